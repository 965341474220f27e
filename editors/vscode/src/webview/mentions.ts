// The list of what "@" may name, above the question, and of the commands behind "/".
import type { FromPage } from '../chat_messages.ts';
import type { Mention } from '../protocol.ts';
import { beginsCommand, mentionAt } from './mention_query.ts';

interface Item {
  label: string;
  detail: string;
  insert: string;
}

const CLEAR: Item = { label: '/clear', detail: 'begins a new conversation', insert: '/clear' };

export class MentionList {
  readonly #question: HTMLTextAreaElement;
  readonly #list: HTMLElement;
  readonly #post: (message: FromPage) => void;
  #items: Item[] = [];
  #selected = 0;
  #start = 0;

  constructor(question: HTMLTextAreaElement, list: HTMLElement, post: (message: FromPage) => void) {
    this.#question = question;
    this.#list = list;
    this.#post = post;
    question.addEventListener('input', () => this.#follow());
    question.addEventListener('click', () => this.#follow());
    question.addEventListener('blur', () => this.close());
  }

  /** Shows the items for a query, unless the user has typed on. */
  offer(query: string, items: Mention[]): void {
    if (this.#typed()?.query === query) {
      this.#show(items.map(asItem));
    }
  }

  /** Acts on a key of the question. Returns whether the key was one of the list's. */
  press(key: string): boolean {
    if (this.#list.hidden) {
      return false;
    }
    switch (key) {
      case 'ArrowDown':
      case 'ArrowUp':
        this.#select((this.#selected + (key === 'ArrowDown' ? 1 : -1) + this.#items.length) % this.#items.length);
        return true;
      case 'Enter':
      case 'Tab':
        this.#take(this.#selected);
        return true;
      case 'Escape':
        this.close();
        return true;
      default:
        return false;
    }
  }

  close(): void {
    this.#list.hidden = true;
    this.#question.removeAttribute('aria-activedescendant');
  }

  #typed() {
    return mentionAt(this.#question.value, this.#question.selectionStart);
  }

  #follow(): void {
    const typed = this.#typed();
    if (typed) {
      this.#start = typed.start;
      this.#post({ type: 'findMentions', query: typed.query });
    } else {
      this.#start = 0;
      this.#show(beginsCommand(this.#question.value) && this.#question.value !== CLEAR.insert ? [CLEAR] : []);
    }
  }

  #show(items: Item[]): void {
    this.#items = items;
    this.#list.replaceChildren(...items.map((item, index) => this.#row(item, index)));
    this.#list.hidden = !items.length;
    if (items.length) {
      this.#select(0);
    } else {
      this.close();
    }
  }

  #row({ label, detail }: Item, index: number): HTMLElement {
    const row = document.createElement('li');
    row.id = `mention-${index}`;
    row.setAttribute('role', 'option');
    const [name, about] = [document.createElement('span'), document.createElement('small')];
    name.textContent = label;
    about.textContent = detail;
    row.append(name, about);
    row.addEventListener('mousedown', (event) => {
      event.preventDefault(); // the question keeps the focus
      this.#take(index);
    });
    return row;
  }

  #select(index: number): void {
    this.#selected = index;
    for (const [at, row] of [...this.#list.children].entries()) {
      row.setAttribute('aria-selected', String(at === index));
    }
    this.#list.children[index]?.scrollIntoView({ block: 'nearest' });
    this.#question.setAttribute('aria-activedescendant', `mention-${index}`);
  }

  #take(index: number): void {
    const item = this.#items[index];
    if (item) {
      this.#question.setRangeText(`${item.insert} `, this.#start, this.#question.selectionStart, 'end');
    }
    this.close();
    this.#question.focus();
  }
}

function asItem({ kind, name, path, line, insert }: Mention): Item {
  const place = line === undefined ? path : `${path}:${line + 1}`;
  return { label: name, detail: kind === 'symbol' ? place : `${kind} ${place}`, insert };
}

// The turns of the chat: what is shown, and what of it the model is asked with.
import type { ChatMessage, Reference } from './protocol.ts';

/** A reference with the words that the user sees. */
export interface NamedReference extends Reference {
  name: string;
}

export interface Turn {
  role: 'user' | 'assistant' | 'error';
  content: string;
  references?: NamedReference[];
  /** Why an answer ends where it does, if not by itself. */
  note?: string;
}

export class Conversation {
  readonly turns: Turn[] = [];
  isAnswering = false;

  ask(content: string, references: NamedReference[]): void {
    this.turns.push({ role: 'user', content, references }, { role: 'assistant', content: '' });
    this.isAnswering = true;
  }

  /** A piece of the answer. */
  add(piece: string): void {
    const turn = this.#answer();
    if (turn) {
      turn.content += piece;
    }
  }

  /** The whole answer. */
  finish(content: string, note?: string): void {
    const turn = this.#answer();
    if (turn) {
      turn.content = content;
      this.#note(turn, note);
    }
    this.isAnswering = false;
  }

  /** The user has stopped it: what there is stays. */
  stop(): void {
    const turn = this.#answer();
    if (turn) {
      this.#note(turn, 'Stopped.');
    }
    this.isAnswering = false;
  }

  fail(problem: string): void {
    if (this.#answer()) {
      this.turns.pop();
      this.turns.push({ role: 'error', content: problem });
    }
    this.isAnswering = false;
  }

  /** What the model is asked with: without what was answered by an error or not at all, except the last question. */
  messages(): ChatMessage[] {
    return this.turns.flatMap((turn, index) => {
      if (turn.role === 'error' || turn.content === '') {
        return [];
      }
      const next = this.turns[index + 1];
      const isLast = index >= this.turns.length - 2;
      if (turn.role === 'user' && !isLast && (next?.role !== 'assistant' || next.content === '')) {
        return [];
      }
      return [asMessage(turn.role, turn)];
    });
  }

  #answer(): Turn | undefined {
    const last = this.turns.at(-1);
    return this.isAnswering && last?.role === 'assistant' ? last : undefined;
  }

  #note(turn: Turn, note: string | undefined): void {
    if (note !== undefined) {
      turn.note = note;
    }
  }
}

function asMessage(role: ChatMessage['role'], turn: Turn): ChatMessage {
  const references = (turn.references ?? []).map(({ uri, range }) => ({ uri, ...(range && { range }) }));
  return { role, content: turn.content, ...(references.length && { references }) };
}

// The script of the chat view: it shows the state that the extension sends, and owns only the question being typed.
import type { ChatState, FromPage, ToPage } from '../chat_messages.ts';
import type { Turn } from '../conversation.ts';
import type { TokenColors } from '../token_colors.ts';
import type { UsedPart } from '../protocol.ts';
import { render } from './markdown.ts';
import { MentionList } from './mentions.ts';

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

/** A longer list of parts is closed at first. */
const MOST_SHOWN = 6;

const vscode = acquireVsCodeApi();
const list = element('turns');
const question = element('question') as HTMLTextAreaElement;
const stop = element('stop');
const send = element('send');

const mentions = new MentionList(question, element('mentions'), (message) => vscode.postMessage(message));

let state: ChatState = { type: 'state', turns: [], references: [], isAnswering: false, progress: '' };
let isDrawing = false;

window.addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
  if (data.type === 'state') {
    state = data;
    drawAll();
  } else if (data.type === 'piece') {
    addPiece(data.text);
  } else if (data.type === 'progress') {
    state.progress = data.text;
    drawSoon();
  } else if (data.type === 'mentions') {
    mentions.offer(data.query, data.items);
  } else if (data.type === 'colors') {
    setColors(data.colors);
  } else {
    question.focus();
  }
});

element('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (text && !state.isAnswering) {
    question.value = '';
    vscode.postMessage({ type: 'ask', text });
  }
});
question.addEventListener('keydown', (event) => {
  if (!event.isComposing && mentions.press(event.key)) {
    event.preventDefault();
    event.stopPropagation();
  } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send.click();
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && state.isAnswering) {
    vscode.postMessage({ type: 'stop' });
  }
});
stop.addEventListener('click', () => vscode.postMessage({ type: 'stop' }));
element('add-selection').addEventListener('click', () => vscode.postMessage({ type: 'addSelection' }));
element('add-file').addEventListener('click', () => vscode.postMessage({ type: 'addFile' }));

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`The page has no ${id}.`);
  }
  return found;
}

function addPiece(text: string): void {
  const turn = state.turns.at(-1);
  if (turn?.role !== 'assistant') {
    return;
  }
  turn.content += text;
  drawSoon();
}

function drawSoon(): void {
  if (!isDrawing) {
    isDrawing = true;
    requestAnimationFrame(drawLast);
  }
}

/** Sets the colors of code. A script may, where the page's policy allows no style in its HTML. */
function setColors(colors: TokenColors): void {
  const { style } = document.documentElement;
  for (const name of [...style].filter((each) => each.startsWith('--midspan-'))) {
    style.removeProperty(name);
  }
  for (const [name, color] of Object.entries(colors)) {
    style.setProperty(`--midspan-${name}`, color);
  }
}

/** Draws the answer that is being written, at most once a frame. */
function drawLast(): void {
  isDrawing = false;
  const index = state.turns.length - 1;
  const turn = state.turns[index];
  if (turn) {
    keepingEndInView(() => list.lastElementChild?.replaceWith(turnElement(turn, index)));
  }
}

function drawAll(): void {
  keepingEndInView(() => {
    list.replaceChildren(...(state.turns.length ? state.turns.map(turnElement) : [welcome()]));
    element('references').replaceChildren(...state.references.map(({ name }, index) => chip(name, index)));
  });
  stop.hidden = !state.isAnswering;
  send.hidden = state.isAnswering;
}

/** Scrolls along with the answer, unless the user has scrolled up. */
function keepingEndInView(draw: () => void): void {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  draw();
  if (isAtEnd) {
    list.scrollTop = list.scrollHeight;
  }
}

function turnElement(turn: Turn, index: number): HTMLElement {
  const article = make('article', turn.role);
  for (const { name } of turn.references ?? []) {
    article.append(make('span', 'chip', name));
  }
  if (turn.role === 'assistant') {
    const isWriting = state.isAnswering && index === state.turns.length - 1;
    article.append(answerElement(turn.content, index));
    article.classList.toggle('writing', isWriting);
    if (isWriting && !turn.content && state.progress) {
      article.append(make('p', 'note progress', state.progress));
    }
  } else {
    article.append(make('p', 'plain', turn.content));
  }
  if (turn.needsModel) {
    article.append(button('Select a chat model…', () => vscode.postMessage({ type: 'selectModel' })));
  }
  if (turn.note !== undefined) {
    article.append(make('p', 'note', turn.note));
  }
  if (turn.used?.length) {
    article.append(usedElement(turn.used, index));
  }
  return article;
}

/** Lists the parts of files that an answer was given, each with a link to its lines. */
function usedElement(used: UsedPart[], turn: number): HTMLElement {
  const details = make('details', 'used') as HTMLDetailsElement;
  details.open = used.length <= MOST_SHOWN;
  const items = used.map(({ path, firstLine, lastLine, why }, index) => {
    const lines = firstLine === lastLine ? `${firstLine + 1}` : `${firstLine + 1}–${lastLine + 1}`;
    const link = button(`${path}:${lines}`, () => vscode.postMessage({ type: 'openUsed', turn, index }));
    link.className = 'link';
    const item = make('li', '');
    item.append(link, make('small', '', ` · ${why}`));
    return item;
  });
  const list = make('ul', '');
  list.append(...items);
  details.append(make('summary', '', `Read ${used.length} ${used.length === 1 ? 'place' : 'places'} of your code`), list);
  return details;
}

function answerElement(content: string, turn: number): HTMLElement {
  const body = make('div', 'markdown');
  body.innerHTML = render(content);
  for (const block of body.querySelectorAll('pre')) {
    const code = block.textContent.replace(/\n$/, '');
    const bar = make('div', 'bar');
    bar.append(
      button('Insert', () => vscode.postMessage({ type: 'insert', code })),
      button('Copy', () => vscode.postMessage({ type: 'copy', code })),
      button('Diff', () => vscode.postMessage({ type: 'diff', code, turn })),
    );
    const frame = make('div', 'code');
    block.replaceWith(frame);
    frame.append(bar, block);
  }
  return body;
}

function chip(name: string, index: number): HTMLElement {
  const item = make('li', 'chip', name);
  const remove = button('×', () => vscode.postMessage({ type: 'removeReference', index }));
  remove.setAttribute('aria-label', `Do not refer to ${name}`);
  item.append(remove);
  return item;
}

function welcome(): HTMLElement {
  return make(
    'p',
    'welcome',
    'Ask about your code: the model reads what your question names. Type @ to name a file, a folder or a symbol, or add the selected lines or the open file. Nothing leaves this machine unless you select a model on a server.',
  );
}

function button(text: string, onClick: () => void): HTMLButtonElement {
  const made = make('button', '', text) as HTMLButtonElement;
  made.type = 'button';
  made.addEventListener('click', onClick);
  return made;
}

function make(tag: string, name: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

vscode.postMessage({ type: 'ready' });

// The chat in the side bar. The view owns the conversation, and its page shows the conversation.
import * as vscode from 'vscode';
import type { Target } from './actions.ts';
import { insertCode, openPart, referenceTo, showAsDiff } from './chat_code.ts';
import { activeTokenColors, onThemeChange } from './color_theme.ts';
import { chatHtml } from './chat_html.ts';
import type { FromPage, ToPage } from './chat_messages.ts';
import { askChat, findMentions, forgetConversation, keptTurns } from './chat_requests.ts';
import { Conversation, type Answer, type NamedReference } from './conversation.ts';
import { answerParams, describe, requestInPieces } from './edit_commands.ts';
import type { EditPreview } from './preview.ts';
import type { ChatResult, TextResult } from './protocol.ts';
import { remedyFor, reportError } from './report_error.ts';
import { words, type Server } from './server.ts';

export const CHAT_VIEW = 'midspan.chat';

/** The server goes on to say how to set one without an editor. */
const NO_MODEL = 'No model is set to chat with.';
const QUESTIONS = { explain: 'Explain this code.', review: 'Review this code.' };

export class ChatView implements vscode.WebviewViewProvider {
  readonly #server: Server;
  readonly #preview: EditPreview;
  readonly #extension: vscode.Uri;
  #conversation = new Conversation();
  #references: NamedReference[] = [];
  #view: vscode.WebviewView | undefined;
  #isListening = false;
  #wantsFocus = false;
  #restored: Promise<void> | undefined;
  #changes = 0;
  #cancel: vscode.CancellationTokenSource | undefined;

  constructor(server: Server, preview: EditPreview, extension: vscode.Uri) {
    this.#server = server;
    this.#preview = preview;
    this.#extension = extension;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#view = view;
    this.#isListening = false;
    view.webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(this.#extension, 'dist')],
    };
    view.webview.onDidReceiveMessage((message: FromPage) => void this.#receive(message));
    const watch = onThemeChange(() => void this.#color());
    view.onDidDispose(() => {
      this.#view = undefined;
      watch.dispose();
    });
    view.webview.html = chatHtml(view.webview, this.#extension);
  }

  async open(): Promise<void> {
    await vscode.commands.executeCommand(`${CHAT_VIEW}.focus`);
    if (this.#isListening) {
      this.#post({ type: 'focus' });
    } else {
      this.#wantsFocus = true; // the page is told when it listens
    }
  }

  /** Begins a new conversation, also for the windows that are opened later. */
  async startOver(): Promise<void> {
    this.stop();
    this.#conversation = new Conversation();
    this.#references = [];
    this.#draw();
    await forgetConversation(this.#server);
  }

  stop(): void {
    this.#cancel?.cancel();
    this.#conversation.stop();
    this.#draw();
  }

  /** Adds the selection, or the whole file, to the references of the next question. */
  async refer(what: 'selection' | 'file'): Promise<void> {
    const reference = await referenceTo(this.#server, what);
    const isNew = !this.#references.some(({ name }) => name === reference.name);
    if (isNew) {
      this.#references.push(reference);
    }
    this.#draw();
  }

  /** Explains or reviews a range in the current conversation. */
  async answer(kind: 'explain' | 'review', target: Target): Promise<void> {
    const reference = { name: describe(target), uri: target.uri, range: target.range };
    await this.open();
    await this.#restore();
    await this.#converse(QUESTIONS[kind], [reference], async (client, onPiece, cancel) => {
      const params = answerParams(kind, target);
      const result = await requestInPieces<TextResult>(client, 'midspan/answer', params, onPiece, cancel);
      return result;
    });
  }

  async #ask(text: string): Promise<void> {
    if (text === '/clear') {
      return this.startOver();
    }
    const references = this.#references;
    this.#references = [];
    await this.#restore();
    const conversation = this.#conversation;
    const onProgress = (progress: string) => {
      conversation.progress = progress;
      this.#post({ type: 'progress', text: progress });
    };
    await this.#converse(text, references, async (client, onPiece, cancel) => {
      const result = await askChat(client, conversation.messages(), onPiece, onProgress, cancel);
      return { ...result, note: noteOf(result) };
    });
  }

  /** Shows the conversation that was kept, unless a new one has begun meanwhile. A question waits for that. */
  #restore(): Promise<void> {
    this.#restored ??= this.#reopen();
    return this.#restored;
  }

  async #reopen(): Promise<void> {
    const begun = this.#conversation;
    try {
      const turns = await keptTurns(this.#server);
      if (this.#conversation === begun && !begun.turns.length) {
        this.#conversation = new Conversation(turns);
        this.#draw();
      }
    } catch (error) {
      this.#restored = undefined; // the next time
      this.#server.log.info(`No conversation is reopened: ${words(error)}`);
    }
  }

  /** Sends the page what "@" may name; nothing where the server cannot say. */
  async #offer(query: string): Promise<void> {
    try {
      this.#post({ type: 'mentions', query, items: await findMentions(this.#server, query) });
    } catch (error) {
      this.#server.log.debug(`midspan/chatReferences: ${words(error)}`);
    }
  }

  async #converse(text: string, references: NamedReference[], request: Ask): Promise<void> {
    this.stop();
    const conversation = this.#conversation;
    const cancel = new vscode.CancellationTokenSource();
    this.#cancel = cancel;
    conversation.ask(text, references);
    this.#draw();
    const isMine = () => cancel === this.#cancel && !cancel.token.isCancellationRequested;
    const onPiece = (piece: string) => {
      if (isMine()) {
        conversation.add(piece);
        this.#post({ type: 'piece', text: piece });
      }
    };
    try {
      const client = await this.#server.running();
      const answer = await request(client, onPiece, cancel.token);
      if (isMine()) {
        conversation.finish(answer);
      }
    } catch (error) {
      if (isMine()) {
        conversation.fail(...asFailure(error));
      }
    } finally {
      cancel.dispose();
    }
    this.#draw();
  }

  async #receive(message: FromPage): Promise<void> {
    try {
      await this.#handle(message);
    } catch (error) {
      void reportError(error);
    }
  }

  async #handle(message: FromPage): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.#isListening = true;
        void this.#color();
        this.#draw();
        void this.#restore();
        if (this.#wantsFocus) {
          this.#wantsFocus = false;
          this.#post({ type: 'focus' });
        }
        return;
      case 'ask':
        return this.#ask(message.text);
      case 'stop':
        this.stop();
        return;
      case 'addSelection':
        return this.refer('selection');
      case 'addFile':
        return this.refer('file');
      case 'findMentions':
        return this.#offer(message.query);
      case 'openUsed': {
        const part = this.#conversation.turns[message.turn]?.used?.[message.index];
        return part && openPart(part);
      }
      case 'removeReference':
        this.#references.splice(message.index, 1);
        this.#draw();
        return;
      case 'selectModel':
        await vscode.commands.executeCommand('midspan.selectModel', 'chat');
        if (vscode.workspace.getConfiguration('midspan').get('chat.model')) {
          this.#conversation.forgetError();
          this.#draw();
        }
        return;
      case 'copy':
        return vscode.env.clipboard.writeText(message.code);
      case 'insert':
        return insertCode(message.code);
      case 'diff':
        return showAsDiff(this.#preview, message.code, this.#conversation.turns[message.turn - 1]?.references ?? []);
    }
  }

  #draw(): void {
    const { turns, isAnswering, progress } = this.#conversation;
    this.#post({ type: 'state', turns, references: this.#references, isAnswering, progress });
  }

  /** Sends the colors of the theme. Of several changes at a time the last counts, however long its file is read. */
  async #color(): Promise<void> {
    this.#changes += 1;
    const change = this.#changes;
    try {
      const colors = await activeTokenColors();
      if (change === this.#changes) {
        this.#post({ type: 'colors', colors });
      }
    } catch (error) {
      this.#server.log.warn(`The colors of the theme cannot be read: ${words(error)}`);
    }
  }

  #post(message: ToPage): void {
    void this.#view?.webview.postMessage(message);
  }
}

type Client = Awaited<ReturnType<Server['running']>>;
type Ask = (
  client: Client,
  onPiece: (piece: string) => void,
  cancel: vscode.CancellationToken,
) => Promise<Answer>;

/** Returns an error in words, and whether another model mends it: the button says then what to do. */
function asFailure(error: unknown): [problem: string, needsModel: boolean] {
  const problem = words(error);
  const isWithout = problem.startsWith(NO_MODEL);
  return [isWithout ? NO_MODEL : problem, isWithout || remedyFor(error)?.argument === 'chat'];
}

function noteOf({ finish_reason, dropped_messages, unknown }: ChatResult): string | undefined {
  const notes = [
    ...(finish_reason === 'length' ? ['The answer was cut off at chat.max_tokens.'] : []),
    ...(dropped_messages ? [`The model had no room for the ${dropped_messages} oldest messages.`] : []),
    ...(unknown?.length ? [`Nothing here has the name ${unknown.join(', ')}.`] : []),
  ];
  return notes.join(' ') || undefined;
}

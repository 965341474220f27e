// The commands fix, edit and tests: the model writes, a diff shows the edit, the user accepts or rejects it.
import * as vscode from 'vscode';
import { ProgressType, WorkDoneProgress, type LanguageClient } from 'vscode-languageclient/node';
import type { Target } from './actions.ts';
import type { EditPreview } from './preview.ts';
import type { AnswerParams, EditParams, EditResult } from './protocol.ts';
import type { Server } from './server.ts';
import { doubtOf, filesOf, withDraft } from './text_edits.ts';

const PIECE = new ProgressType<{ text: string }>();
const WRITE_TESTS = 'write tests';
let tokens = 0;

/** Sends a request that streams its result. Calls `onPiece` for each piece, and `onProgress` with what comes before. */
export async function requestInPieces<R>(
  client: LanguageClient,
  method: string,
  params: object,
  onPiece: (text: string) => void,
  cancel: vscode.CancellationToken,
  onProgress?: (message: string) => void,
): Promise<R> {
  const partialResultToken = `midspan-vscode-${(tokens += 1)}`;
  const workDoneToken = `${partialResultToken}-work`;
  const listening = [
    client.onProgress(PIECE, partialResultToken, ({ text }) => onPiece(text)),
    client.onProgress(WorkDoneProgress.type, workDoneToken, ({ message }) => onProgress?.(message ?? '')),
  ];
  try {
    const tokenParams = { partialResultToken, ...(onProgress && { workDoneToken }) };
    return await client.sendRequest<R>(method, { ...params, ...tokenParams }, cancel);
  } finally {
    for (const each of listening) {
      each.dispose();
    }
  }
}

export class EditCommands {
  readonly #server: Server;
  readonly #preview: EditPreview;

  constructor(server: Server, preview: EditPreview) {
    this.#server = server;
    this.#preview = preview;
  }

  async edit(target: Target): Promise<void> {
    const instruction = await vscode.window.showInputBox({
      title: `Midspan: edit ${describe(target)}`,
      prompt: 'What should change?',
      placeHolder: 'add type annotations',
    });
    if (instruction?.trim()) {
      const { uri, version, range } = target;
      const params: EditParams = { textDocument: { uri, version }, version, range, instruction };
      await this.#run('midspan/edit', params, target, shortened(instruction));
    }
  }

  async fix(target: Target): Promise<void> {
    const problem = target.diagnostics.map(({ message }) => (typeof message === 'string' ? message : message.value)).join('; ');
    await this.#run('midspan/answer', answerParams('fix', target), target, shortened(`fix: ${problem}`));
  }

  async tests(target: Target): Promise<void> {
    await this.#run('midspan/answer', answerParams('tests', target), target, WRITE_TESTS);
  }

  async #run(method: string, params: object, target: Target, what: string): Promise<void> {
    const client = await this.#server.running();
    const cancel = new vscode.CancellationTokenSource();
    const options = { location: vscode.ProgressLocation.Notification, title: `Midspan: ${what}`, cancellable: true };
    try {
      await vscode.window.withProgress(options, async (_progress, stopped) => {
        stopped.onCancellationRequested(() => cancel.cancel());
        await this.#write(client, { method, params }, target, what, cancel);
      });
    } catch (error) {
      if (!cancel.token.isCancellationRequested) {
        throw error;
      }
    } finally {
      cancel.dispose();
    }
  }

  /** Shows the edit in its place while the model writes. The file of tests is known only at the end. */
  async #write(
    client: LanguageClient,
    { method, params }: { method: string; params: object },
    target: Target,
    what: string,
    cancel: vscode.CancellationTokenSource,
  ): Promise<void> {
    const file = vscode.Uri.parse(target.uri);
    const title = `${vscode.workspace.asRelativePath(file)}: ${what}`;
    const at = client.protocol2CodeConverter.asPosition(target.range.start);
    const isHere = what !== WRITE_TESTS;
    const isRange = target.range.start.line !== target.range.end.line || target.range.start.character !== target.range.end.character;
    const proposal = isHere ? await this.#preview.begin(file, title, at, () => cancel.cancel()) : undefined;
    try {
      let draft = '';
      const onPiece = (text: string) => {
        draft += text;
        if (proposal && isRange) {
          this.#preview.draft(proposal, (original) => withDraft(original, target.range, draft));
        }
      };
      const result = await requestInPieces<EditResult>(client, method, params, onPiece, cancel.token);
      const [edit, ...others] = filesOf(result.edit);
      if (!edit || others.length) {
        throw new Error('The answer changes nothing.');
      }
      const doubt = doubtOf(result.edit);
      if (doubt !== undefined) {
        void vscode.window.showWarningMessage(`Midspan: ${doubt}`);
      }
      await (proposal ? this.#preview.finish(proposal, edit) : this.#preview.show(edit, title));
    } catch (error) {
      if (proposal) {
        await this.#preview.withdraw(proposal);
      }
      throw error;
    }
  }
}

export function answerParams(kind: AnswerParams['kind'], { uri, version, range, diagnostics }: Target): AnswerParams {
  return { textDocument: { uri, version }, range, kind, ...(kind === 'fix' && { diagnostics }) };
}

/** Returns a place for the user, with lines from 1. */
export function describe({ uri, range }: Pick<Target, 'uri' | 'range'>): string {
  const last = range.end.character === 0 && range.end.line > range.start.line ? range.end.line : range.end.line + 1;
  const lines = range.start.line + 1 === last ? `${last}` : `${range.start.line + 1}–${last}`;
  return `${vscode.workspace.asRelativePath(vscode.Uri.parse(uri))}:${lines}`;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

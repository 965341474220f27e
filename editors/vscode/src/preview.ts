// The diff of an edit that a model proposes. No file changes before the user accepts the edit.
import * as vscode from 'vscode';
import { words } from './server.ts';
import { withEdits, type FileEdit } from './text_edits.ts';

const SCHEME = 'midspan-preview';

/** A proposed edit and its diff, which may be closed already. */
export interface Proposal {
  /** The file as it was when the diff was opened. */
  file: vscode.Uri;
  original: string;
  proposed: string;
  /** Undefined while the model still writes. */
  edit: FileEdit | undefined;
  left: vscode.Uri;
  right: vscode.Uri;
  onRejected: () => void;
}

/** Shows one diff at a time: a new proposal rejects the previous one. */
export class EditPreview implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #disposables: { dispose(): unknown }[];
  #open: Proposal | undefined;
  #number = 0;

  constructor() {
    this.#disposables = [
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        if (this.#open && closed.some((tab) => isDiffOf(tab, this.#open))) {
          this.#end()?.onRejected();
        }
      }),
    ];
  }

  /** Returns the text of a side of the diff. The original is a virtual document only for a file that does not exist. */
  provideTextDocumentContent(uri: vscode.Uri): string {
    if (!this.#open || uri.fragment !== this.#open.right.fragment) {
      return '';
    }
    return uri.query === 'original' ? this.#open.original : this.#open.proposed;
  }

  /** Opens the diff of a draft. `onRejected` is called when the user has rejected or closed it. */
  async begin(file: vscode.Uri, title: string, at: vscode.Position, onRejected: () => void): Promise<Proposal> {
    await this.reject();
    const original = await readText(file);
    const fragment = String((this.#number += 1));
    const right = vscode.Uri.from({ scheme: SCHEME, path: file.path, query: 'proposed', fragment });
    const left = original === undefined ? right.with({ query: 'original' }) : file;
    const text = original ?? '';
    const proposal = { file, original: text, proposed: text, edit: undefined, left, right, onRejected };
    this.#open = proposal;
    await setReady(false);
    const options: vscode.TextDocumentShowOptions = { preview: true, selection: new vscode.Range(at, at) };
    await vscode.commands.executeCommand('vscode.diff', left, right, title, options);
    return proposal;
  }

  /** Shows the text as far as it is written. */
  draft(proposal: Proposal, text: (original: string) => string): void {
    if (proposal === this.#open) {
      proposal.proposed = text(proposal.original);
      this.#changed.fire(proposal.right);
    }
  }

  /** Shows the whole edit, which the user can accept from now on. */
  async finish(proposal: Proposal, edit: FileEdit): Promise<void> {
    if (proposal === this.#open) {
      this.draft(proposal, (original) => withEdits(original, edit.edits));
      proposal.edit = edit;
      await setReady(true);
    }
  }

  /** Shows the diff of a whole edit. */
  async show(edit: FileEdit, title: string): Promise<void> {
    const start = edit.edits[0]?.range.start ?? { line: 0, character: 0 };
    const place = new vscode.Position(start.line, start.character);
    const proposal = await this.begin(vscode.Uri.parse(edit.uri), title, place, () => undefined);
    await this.finish(proposal, edit);
  }

  async accept(): Promise<void> {
    const open = this.#open;
    if (!open?.edit) {
      return;
    }
    if ((await readText(open.file)) !== (open.edit.creates ? undefined : open.original)) {
      const name = vscode.workspace.asRelativePath(open.file);
      void vscode.window.showWarningMessage(`${name} has changed since, so the edit was not applied. Ask again.`);
      return;
    }
    this.#end();
    try {
      await apply(open.file, open.edit);
      await closeTabs(open);
      await vscode.window.showTextDocument(open.file, { preview: false });
    } catch (error) {
      void vscode.window.showErrorMessage(`Midspan could not apply the edit: ${words(error)}`);
    }
  }

  /** Closes the open diff: the user does not want its edit. */
  async reject(): Promise<void> {
    this.#open?.onRejected();
    await this.withdraw();
  }

  /** Closes the diff of `proposal`, or the open one, because there is no edit. Its `onRejected` is not called. */
  async withdraw(proposal = this.#open): Promise<void> {
    if (proposal && proposal === this.#open) {
      this.#end();
      await closeTabs(proposal);
    }
  }

  dispose(): void {
    for (const disposable of this.#disposables) {
      disposable.dispose();
    }
  }

  #end(): Proposal | undefined {
    const open = this.#open;
    this.#open = undefined;
    void setReady(false);
    return open;
  }
}

/** Returns the text in the editor, or else on the disk; undefined if the file does not exist. */
async function readText(uri: vscode.Uri): Promise<string | undefined> {
  try {
    return (await vscode.workspace.openTextDocument(uri)).getText();
  } catch {
    return undefined;
  }
}

async function apply(file: vscode.Uri, { creates, edits }: FileEdit): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  if (creates) {
    edit.createFile(file, { ignoreIfExists: false });
  }
  for (const { range, newText } of edits) {
    const { start, end } = range;
    edit.replace(file, new vscode.Range(start.line, start.character, end.line, end.character), newText);
  }
  if (!(await vscode.workspace.applyEdit(edit))) {
    throw new Error('VS Code refused the edit.');
  }
}

function isDiffOf(tab: vscode.Tab, open: Proposal | undefined): boolean {
  return tab.input instanceof vscode.TabInputTextDiff && tab.input.modified.toString() === open?.right.toString();
}

async function closeTabs(open: Proposal): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => isDiffOf(tab, open));
  await vscode.window.tabGroups.close(tabs);
}

async function setReady(isReady: boolean): Promise<void> {
  await vscode.commands.executeCommand('setContext', 'midspan.previewIsReady', isReady);
}

// Ghost text and next edits: a next edit may be shown as ghost text, and other ghost text is shown before one.
import * as vscode from 'vscode';
import { fits, positionOf, type CurrentEdit } from './current_edit.ts';
import { insertionBehind } from './edit_change.ts';

/** Runs on the acceptance of a next edit that is shown as ghost text. */
const ACCEPTED_GHOST = 'midspan.acceptedNextEdit';

export class EditGhost implements vscode.Disposable, vscode.InlineCompletionItemProvider {
  /** The edit that VS Code is asked to show now; all other ghost text is silent meanwhile. */
  #asked: CurrentEdit | undefined;
  /** The place of the ghost text that the server answered last. */
  #other: { uri: string; version: number; position: vscode.Position } | undefined;
  readonly #disposables: { dispose(): unknown }[];

  constructor(onAccepted: (edit: CurrentEdit) => Promise<void>) {
    this.#disposables = [
      vscode.languages.registerInlineCompletionItemProvider([{ scheme: 'file' }, { scheme: 'untitled' }], this),
      vscode.commands.registerCommand(ACCEPTED_GHOST, onAccepted),
    ];
  }

  /** True while VS Code is asked for the ghost text of a next edit alone. */
  get isAsking(): boolean {
    return this.#asked !== undefined;
  }

  /** Shows an edit that inserts at or behind the cursor, once for each place of the cursor. */
  async show(current: CurrentEdit, cursor: vscode.Position): Promise<void> {
    if (current.ghostAt?.isEqual(cursor)) {
      return;
    }
    current.ghostAt = cursor;
    this.#asked = current;
    try {
      await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    } finally {
      if (this.#asked === current) {
        this.#asked = undefined; // else a newer one is asked for
      }
    }
  }

  /** Notes that VS Code hides the ghost text of an edit, as it does when the cursor moves away. */
  leave(current: CurrentEdit | undefined): void {
    if (current) {
      current.ghostAt = undefined;
    }
  }

  provideInlineCompletionItems(document: vscode.TextDocument, cursor: vscode.Position): vscode.InlineCompletionItem[] {
    const current = this.#asked;
    const text = current && fits(current, document) ? insertionBehind(current.edit, cursor) : undefined;
    if (!current || text === undefined) {
      return [];
    }
    const range = new vscode.Range(cursor, positionOf(current.edit.range.start));
    const item = new vscode.InlineCompletionItem(document.getText(range) + text, range);
    item.command = { title: current.edit.command.title, command: ACCEPTED_GHOST, arguments: [current] };
    return [item];
  }

  /** Notes the server's answer to a request for ghost text. */
  note(document: vscode.TextDocument, position: vscode.Position, isShown: boolean): void {
    this.#other = isShown ? { uri: document.uri.toString(), version: document.version, position } : undefined;
  }

  /** Returns whether the editor shows ghost text that is no next edit. */
  hasOther({ document, selection }: vscode.TextEditor): boolean {
    const other = this.#other;
    return (
      other?.uri === document.uri.toString() &&
      other.version === document.version &&
      other.position.isEqual(selection.active)
    );
  }

  /** Hides all ghost text. */
  async hide(): Promise<void> {
    this.#other = undefined;
    await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
  }

  dispose(): void {
    for (const disposable of this.#disposables) {
      disposable.dispose();
    }
  }
}

// Next edits: what follows from the user's last changes. Tab jumps to it, and Tab accepts it there.
import * as vscode from 'vscode';
import { applyTo, firstThatFits, fits, report, type CurrentEdit } from './current_edit.ts';
import { columnOf, insertionBehind, lineOf, placeOf } from './edit_change.ts';
import { EditGhost } from './edit_ghost.ts';
import { EditDecorations, type Shown } from './edit_decorations.ts';
import type { NextEditResult } from './protocol.ts';
import { isServed, type Server } from './server.ts';
import { whyOffHere } from './toggle_commands.ts';

const DISMISS = 'midspan.dismissNextEdit';
/** The time without a key before a request; the server waits longer. */
const PAUSE_MS = 100;
/** A cursor move this close to the last change requests too. */
const BESIDE_LINES = 5;
const INVOKED = 1;
const AUTOMATIC = 2;

export class NextEdits implements vscode.Disposable {
  readonly ghost = new EditGhost((edit) => this.#goOn(edit));
  readonly #server: Server;
  readonly #decorations = new EditDecorations();
  readonly #disposables: { dispose(): unknown }[];
  #current: CurrentEdit | undefined;
  #request: vscode.CancellationTokenSource | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The document and line of the last change by the user. */
  #changed: { uri: string; line: number } | undefined;
  #isAccepting = false;

  constructor(server: Server) {
    this.#server = server;
    const { window, workspace } = vscode;
    this.#disposables = [
      this.#decorations,
      this.ghost,
      workspace.onDidChangeTextDocument((event) => this.#onChange(event)),
      workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('midspan') && this.refresh()),
      window.onDidChangeTextEditorSelection(({ textEditor }) => this.#onMove(textEditor)),
      window.onDidChangeTextEditorVisibleRanges(() => this.refresh()),
      window.onDidChangeActiveTextEditor((editor) => this.#onFocus(editor)),
      vscode.languages.onDidChangeDiagnostics(({ uris }) => {
        if (uris.some((uri) => uri.toString() === this.#changed?.uri)) {
          this.#askAgain();
        }
      }),
    ];
  }

  /** Notes the answer to a request for ghost text, which is shown before a next edit. */
  noteGhost(document: vscode.TextDocument, position: vscode.Position, isShown: boolean): void {
    this.ghost.note(document, position, isShown);
    this.refresh();
    if (!isShown) {
      this.#askAgain();
    }
  }

  /** Requests next edits now. */
  async ask(): Promise<void> {
    await this.#ask(INVOKED);
  }

  /** Jumps to the next edit, or accepts it when the cursor is there. Without one, does what Tab does. */
  async advance(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const shown = editor && this.#shown(editor);
    const current = this.#current;
    if (!shown || !current) {
      await vscode.commands.executeCommand('tab');
    } else if (shown.place === 'here') {
      await this.#accept(editor, current);
    } else {
      await this.#jump(current);
    }
  }

  /** Dismisses the next edit. */
  async dismiss(): Promise<void> {
    const current = this.#current;
    this.#forget();
    // Before the ghost text goes: its end may bring a request, whose answer would be the same edit.
    const reported = current && report(current, DISMISS);
    await this.ghost.hide();
    await reported;
  }

  /** Dismisses the ghost text, behind which a next edit waits. */
  async dismissGhost(): Promise<void> {
    await this.ghost.hide();
    this.refresh();
  }

  /** Draws the edit as it stands beside the cursor now, or removes it. */
  refresh(): void {
    const editor = vscode.window.activeTextEditor;
    const shown = editor && this.#shown(editor);
    void setContext('midspan.nextEditIsShown', shown !== undefined);
    void setContext('midspan.nextEditWaits', this.#current !== undefined && shown === undefined);
    if (!shown || !this.#current) {
      this.#decorations.clear();
      this.ghost.leave(this.#current);
      return;
    }
    const cursor = editor.selection.active;
    if (shown.place === 'here' && insertionBehind(this.#current.edit, cursor) !== undefined) {
      this.#decorations.clear();
      void this.ghost.show(this.#current, cursor);
    } else {
      this.ghost.leave(this.#current);
      this.#decorations.draw(editor, shown);
    }
    this.#reportShown(this.#current);
  }

  dispose(): void {
    this.#endRequest();
    for (const disposable of this.#disposables) {
      disposable.dispose();
    }
  }

  /** Returns what is to be drawn in the editor now. Ghost text at the cursor goes first. */
  #shown(editor: vscode.TextEditor): Shown | undefined {
    const current = this.#current;
    const document = editor.document;
    if (!current || editor.selections.length > 1 || !editor.selection.isEmpty || this.ghost.hasOther(editor)) {
      return undefined;
    }
    if (whyOffHere(document) !== undefined) {
      return undefined;
    }
    const { change, edit } = current;
    const file = vscode.workspace.asRelativePath(current.uri).split('/').at(-1) ?? '';
    if (document.uri.toString() !== current.uri.toString()) {
      return { change, place: 'elsewhere', why: edit.why, file };
    }
    if (!fits(current, document)) {
      return undefined;
    }
    const visible = editor.visibleRanges;
    const lines = [visible[0]?.start.line ?? 0, visible.at(-1)?.end.line ?? 0] as const;
    return { change, place: placeOf(change, editor.selection.active.line, lines), why: edit.why, file };
  }

  #reportShown(current: CurrentEdit): void {
    if (!current.isReported) {
      current.isReported = true;
      void current.client.sendNotification('textDocument/didShowInlineEdit', { item: current.edit });
    }
  }

  #onChange({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const editor = vscode.window.activeTextEditor;
    const [change] = contentChanges;
    if (!change || this.#isAccepting || editor?.document !== document) {
      return;
    }
    this.#changed = { uri: document.uri.toString(), line: change.range.start.line };
    this.#forget();
    this.#askSoon();
  }

  #onMove({ document, selection }: vscode.TextEditor): void {
    this.refresh();
    const distance = Math.abs(selection.active.line - (this.#changed?.line ?? NaN));
    const isBeside = document.uri.toString() === this.#changed?.uri && distance > 0 && distance <= BESIDE_LINES;
    if (isBeside && !this.#current && !this.#request && !this.#isAccepting) {
      this.#askSoon();
    }
  }

  #onFocus(editor: vscode.TextEditor | undefined): void {
    this.refresh();
    const client = this.#server.nextEditClient();
    if (client && editor) {
      const uri = client.code2ProtocolConverter.asUri(editor.document.uri);
      void client.sendNotification('textDocument/didFocus', { textDocument: { uri } });
    }
  }

  /** Requests again where the server may have had a reason to answer nothing, and has it no more. */
  #askAgain(): void {
    if (!this.#current && vscode.window.activeTextEditor?.document.uri.toString() === this.#changed?.uri) {
      this.#askSoon();
    }
  }

  #askSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(AUTOMATIC), PAUSE_MS);
  }

  async #ask(triggerKind: number): Promise<void> {
    this.#endRequest();
    const client = this.#server.nextEditClient();
    const editor = vscode.window.activeTextEditor;
    if (!client || !editor || !isServed(editor.document) || whyOffHere(editor.document) !== undefined) {
      return;
    }
    const { document, selection } = editor;
    const request = new vscode.CancellationTokenSource();
    this.#request = request;
    const converter = client.code2ProtocolConverter;
    const params = {
      textDocument: { uri: converter.asUri(document.uri), version: document.version },
      position: converter.asPosition(selection.active),
      context: { triggerKind, diagnostics: converter.asDiagnosticsSync(vscode.languages.getDiagnostics(document.uri)) },
    };
    try {
      const result = await client.sendRequest<NextEditResult | null>('midspan/nextEdit', params, request.token);
      const found = await firstThatFits(client, result?.edits ?? []); // reads the files of edits elsewhere
      if (this.#request === request) {
        this.#current = found ?? this.#current;
        this.#request = undefined;
        this.refresh();
      }
    } catch (error) {
      if (this.#request === request) {
        this.#request = undefined;
        this.#server.log.warn(`midspan/nextEdit: ${String(error)}`);
      }
    }
  }

  async #jump(current: CurrentEdit): Promise<void> {
    const document = await vscode.workspace.openTextDocument(current.uri);
    if (!fits(current, document)) {
      this.#forget();
      return;
    }
    current.edit.textDocument.version = document.version; // it is open from now on
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    const place = new vscode.Position(lineOf(current.change), columnOf(current.change));
    editor.selection = new vscode.Selection(place, place);
    editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    this.refresh();
  }

  async #accept(editor: vscode.TextEditor, current: CurrentEdit): Promise<void> {
    this.#forget();
    this.#isAccepting = true;
    try {
      await applyTo(editor, current);
    } finally {
      this.#isAccepting = false;
    }
    await this.#goOn(current);
  }

  /** Requests what follows after an acceptance. */
  async #goOn(accepted: CurrentEdit): Promise<void> {
    void report(accepted);
    await this.#ask(AUTOMATIC);
  }

  #endRequest(): void {
    clearTimeout(this.#timer);
    this.#request?.cancel();
    this.#request = undefined;
  }

  #forget(): void {
    this.#endRequest();
    this.#current = undefined;
    this.refresh();
  }
}

async function setContext(name: string, value: boolean): Promise<void> {
  await vscode.commands.executeCommand('setContext', name, value);
}

// The next edit that is offered: where it comes from, whether it still fits, and how it is applied.
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { changeOf, type Change } from './edit_change.ts';
import type { NextEdit } from './protocol.ts';

/** An edit that fitted its file when it came. */
export interface CurrentEdit {
  client: LanguageClient;
  edit: NextEdit;
  uri: vscode.Uri;
  change: Change;
  /** True once the server knows that the user sees it. */
  isReported: boolean;
  /** The place of the cursor for which VS Code was given it as ghost text. */
  ghostAt: vscode.Position | undefined;
}

/** Returns the first edit that fits the present text of its file. */
export async function firstThatFits(
  client: LanguageClient,
  edits: readonly NextEdit[],
): Promise<CurrentEdit | undefined> {
  for (const edit of edits) {
    const uri = client.protocol2CodeConverter.asUri(edit.textDocument.uri);
    const document = openDocument(uri);
    const { version } = edit.textDocument;
    if (version === null ? document?.isDirty : document?.version !== version) {
      continue;
    }
    const change = changeOf(edit, document ? linesOf(document) : await linesOnDisk(uri));
    if (change) {
      return { client, edit, uri, change, isReported: false, ghostAt: undefined };
    }
  }
  return undefined;
}

/** Returns whether the edit is of this document as it is now. An edit of a file that was not open has no version. */
export function fits({ edit, uri, change }: CurrentEdit, document: vscode.TextDocument): boolean {
  if (document.uri.toString() !== uri.toString()) {
    return false;
  }
  if (edit.textDocument.version !== null) {
    return document.version === edit.textDocument.version;
  }
  const now = changeOf(edit, linesOf(document));
  return !document.isDirty && now?.olds.join('\n') === change.olds.join('\n');
}

/** Applies the edit as one step of undo, and puts the cursor behind the new text. */
export async function applyTo(editor: vscode.TextEditor, { edit }: CurrentEdit): Promise<void> {
  const { start, end } = edit.range;
  const range = new vscode.Range(positionOf(start), positionOf(end));
  await editor.edit((builder) => builder.replace(range, edit.text));
  const lines = edit.text.split(/\r\n|\n/);
  const last = lines.at(-1) ?? '';
  const character = (lines.length === 1 ? start.character : 0) + last.length;
  const behind = new vscode.Position(start.line + lines.length - 1, character);
  editor.selection = new vscode.Selection(behind, behind);
}

/** Runs the edit's command, or another one with its arguments. */
export async function report({ client, edit }: CurrentEdit, command = edit.command.command): Promise<void> {
  await client.sendRequest('workspace/executeCommand', { command, arguments: edit.command.arguments ?? [] });
}

export function positionOf({ line, character }: { line: number; character: number }): vscode.Position {
  return new vscode.Position(line, character);
}

function openDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
}

function linesOf(document: vscode.TextDocument): string[] {
  return document.getText().split(/\r\n|\n/);
}

/** Returns no line if the file cannot be read. */
async function linesOnDisk(uri: vscode.Uri): Promise<string[]> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)).split(/\r\n|\n/);
  } catch {
    return [];
  }
}

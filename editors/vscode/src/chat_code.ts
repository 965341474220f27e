// References from the chat to the editor, and code from answers into the editor.
import * as vscode from 'vscode';
import type { Range } from 'vscode-languageclient/node';
import type { NamedReference } from './conversation.ts';
import { describe } from './edit_commands.ts';
import type { EditPreview } from './preview.ts';
import type { UsedPart } from './protocol.ts';
import type { Server } from './server.ts';

const LAST_CHARACTER = 2 ** 31 - 1; // LSP's largest number; a column behind the end means the end

export async function referenceTo(server: Server, what: 'selection' | 'file'): Promise<NamedReference> {
  const { document, selection } = editor();
  const convert = (await server.running()).code2ProtocolConverter;
  const uri = convert.asUri(document.uri);
  if (what === 'file') {
    return { name: vscode.workspace.asRelativePath(document.uri), uri };
  }
  if (selection.isEmpty) {
    throw new Error('Select the lines first.');
  }
  const range = convert.asRange(selection);
  return { name: describe({ uri, range }), uri, range };
}

/** Opens the file of a part that an answer was given, at its first line. */
export async function openPart({ uri, firstLine }: UsedPart): Promise<void> {
  const place = new vscode.Range(firstLine, 0, firstLine, 0);
  await vscode.window.showTextDocument(vscode.Uri.parse(uri), { selection: place });
}

/** Inserts code at the cursor, or in place of the selection. */
export async function insertCode(code: string): Promise<void> {
  const { document, selection } = editor();
  await vscode.window.showTextDocument(document);
  await editor().edit((edit) => edit.replace(selection, code));
}

/** Shows a diff with the code in place of the lines that the question refers to, or else of the selection. */
export async function showAsDiff(preview: EditPreview, code: string, references: NamedReference[]): Promise<void> {
  const about = references.find(({ range }) => range !== undefined);
  const { uri, range } = about?.range ? { uri: about.uri, range: wholeLines(about.range) } : selected();
  const endsLine = range.end.character === 0 && range.end.line > range.start.line;
  const newText = endsLine && !code.endsWith('\n') ? `${code}\n` : code;
  const edit = { uri, creates: false, edits: [{ range, newText }] };
  await preview.show(edit, `${describe({ uri, range })}: from the chat`);
}

/** The lines that a reference touches: the model was shown these, and answers with them. */
function wholeLines({ start, end }: Range): Range {
  const endsLine = end.character === 0 && end.line > start.line;
  return {
    start: { line: start.line, character: 0 },
    end: { line: end.line, character: endsLine ? 0 : LAST_CHARACTER },
  };
}

function selected(): { uri: string; range: Range } {
  const { document, selection } = editor();
  return { uri: document.uri.toString(), range: { start: selection.start, end: selection.end } };
}

function editor(): vscode.TextEditor {
  const found = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors.at(0);
  if (!found) {
    throw new Error('Open a file first.');
  }
  return found;
}

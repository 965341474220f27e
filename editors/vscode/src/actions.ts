// The actions of the chat model on a range of a file: from the light bulb, or as commands.
import * as vscode from 'vscode';
import type { Diagnostic, Range } from 'vscode-languageclient/node';
import type { AnswerKind } from './protocol.ts';
import type { Server } from './server.ts';

export type ActionName = AnswerKind | 'edit';

/** The kinds of the server's actions that this extension runs by its own requests. */
const KINDS: Record<AnswerKind, string> = {
  fix: 'quickfix.midspan.fix',
  tests: 'refactor.midspan.tests',
  explain: 'refactor.midspan.explain',
  review: 'refactor.midspan.review',
};

/** An edit by the instruction of a comment; the server disables the action where there is no comment. */
export const EDIT_KIND = 'refactor.rewrite.midspan.edit';

/** The data of the server's actions. */
export interface ActionData {
  uri: string;
  version: number;
  range: Range;
}

/** The range that an action is about, in positions of the protocol. */
export interface Target {
  uri: string;
  version: number;
  range: Range;
  diagnostics: Diagnostic[];
}

/** Returns the name of such an action; undefined for an action that the server resolves. */
export function nameOf(kind: string | undefined): AnswerKind | undefined {
  return (Object.keys(KINDS) as AnswerKind[]).find((name) => KINDS[name] === kind);
}

/** Returns the selection; for an empty one the server takes the code around it. Throws an error for the user. */
export async function targetOfSelection(server: Server, name: ActionName): Promise<Target> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    throw new Error('Open a file first, and select the code.');
  }
  const { document, selection } = editor;
  const convert = (await server.running()).code2ProtocolConverter;
  const diagnostics = vscode.languages
    .getDiagnostics(document.uri)
    .filter(({ range }) => range.intersection(selection) !== undefined)
    .map(asWire);
  if (name === 'fix' && !diagnostics.length) {
    throw new Error('There is no problem at the cursor to fix.');
  }
  return { uri: convert.asUri(document.uri), version: document.version, range: convert.asRange(selection), diagnostics };
}

/** Returns a diagnostic of any extension in the form of the protocol. */
export function asWire({ range, message }: vscode.Diagnostic): Diagnostic {
  return { range: { start: range.start, end: range.end }, message };
}

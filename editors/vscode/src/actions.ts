// What the user asks of the chat model for a place in a file: as an action of the light bulb, or as a command.
import * as vscode from 'vscode';
import type { Diagnostic, Range } from 'vscode-languageclient/node';
import type { AnswerKind } from './protocol.ts';
import type { Server } from './server.ts';

export type ActionName = AnswerKind | 'edit';

/** The kinds of the server's actions that this extension asks for by requests of its own. */
const KINDS: Record<AnswerKind, string> = {
  fix: 'quickfix.midspan.fix',
  tests: 'source.midspan.tests',
  explain: 'source.midspan.explain',
  review: 'source.midspan.review',
};

/** An edit by the instruction of a comment; without one the server can only say how to write it. */
export const EDIT_KIND = 'refactor.rewrite.midspan.edit';

/** What the server says with an action of its own. */
export interface ActionData {
  uri: string;
  version: number;
  range: Range;
}

/** What an action is about. Positions are the protocol's. */
export interface Target {
  uri: string;
  version: number;
  range: Range;
  diagnostics: Diagnostic[];
}

/** The name of such an action; undefined for one that the server resolves. */
export function nameOf(kind: string | undefined): AnswerKind | undefined {
  return (Object.keys(KINDS) as AnswerKind[]).find((name) => KINDS[name] === kind);
}

/** What is selected; at a mere cursor the server takes what is around it. Throws an error in words. */
export async function targetOfSelection(server: Server, name: ActionName): Promise<Target> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    throw new Error('Open a file first, and select what this is about.');
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

/** A diagnostic as the protocol has it, whatever extension it is from. */
export function asWire({ range, message }: vscode.Diagnostic): Diagnostic {
  return { range: { start: range.start, end: range.end }, message };
}

// Applies LSP's edits to text. Offsets and characters are UTF-16 code units, as in VS Code.
import type { Position, Range, TextEdit } from 'vscode-languageclient/node';
import type { WireWorkspaceEdit } from './protocol.ts';

export interface FileEdit {
  uri: string;
  /** True if the edit creates the file. */
  creates: boolean;
  edits: TextEdit[];
}

/** Returns the edit of each file. Throws if the edit moves or removes files, which the server never does. */
export function filesOf(edit: WireWorkspaceEdit): FileEdit[] {
  const files = new Map<string, FileEdit>();
  const file = (uri: string): FileEdit => {
    const known = files.get(uri) ?? { uri, creates: false, edits: [] };
    files.set(uri, known);
    return known;
  };
  for (const change of edit.documentChanges ?? []) {
    if ('edits' in change) {
      file(change.textDocument.uri).edits.push(...change.edits);
    } else if (change.kind === 'create' && change.uri !== undefined) {
      file(change.uri).creates = true;
    } else {
      throw new Error(`Midspan does not ${change.kind} files.`);
    }
  }
  if (!edit.documentChanges) {
    for (const [uri, edits] of Object.entries(edit.changes ?? {})) {
      file(uri).edits.push(...edits);
    }
  }
  return [...files.values()];
}

/** Returns the text after the edits. Throws if edits overlap. */
export function withEdits(text: string, edits: readonly TextEdit[]): string {
  const starts = lineStarts(text);
  const pieces = edits
    .map((edit) => ({
      start: offsetAt(text, starts, edit.range.start),
      end: offsetAt(text, starts, edit.range.end),
      text: edit.newText,
    }))
    .sort((one, other) => one.start - other.start || one.end - other.end);
  let result = '';
  let at = 0;
  for (const piece of pieces) {
    if (piece.start < at || piece.end < piece.start) {
      throw new Error('The edits overlap.');
    }
    result += text.slice(at, piece.start) + piece.text;
    at = piece.end;
  }
  return result + text.slice(at);
}

/** Returns the reason why the server doubts the edit, if it does. */
export function doubtOf(edit: WireWorkspaceEdit): string | undefined {
  return Object.values(edit.changeAnnotations ?? {}).find(({ needsConfirmation }) => needsConfirmation)?.description;
}

/**
 * Returns the text with an unfinished `draft` of a range: the draft, and after it the lines that it has not replaced yet.
 * A range of several lines is replaced by whole lines.
 */
export function withDraft(text: string, range: Range, draft: string): string {
  const starts = lineStarts(text);
  const isWhole = range.start.line !== range.end.line;
  const start = offsetAt(text, starts, isWhole ? { ...range.start, character: 0 } : range.start);
  const last = range.end.character === 0 ? range.end.line - 1 : range.end.line;
  const end = offsetAt(text, starts, isWhole ? { line: last, character: Infinity } : range.end);
  const written = draft.split('\n').length - 1;
  const rest = text.slice(start, end).split('\n').slice(written + 1);
  return text.slice(0, start) + [draft, ...rest].join('\n') + text.slice(end);
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (const ending of text.matchAll(/\r\n|\n|\r/g)) {
    starts.push(ending.index + ending[0].length);
  }
  return starts;
}

function offsetAt(text: string, starts: readonly number[], position: Position): number {
  const start = starts[position.line];
  if (start === undefined) {
    return text.length;
  }
  const line = text.slice(start, starts[position.line + 1]).replace(/[\r\n]+$/, '');
  return start + Math.min(position.character, line.length);
}

// A next edit as a change of whole lines, and where it stands beside the cursor.
import type { NextEdit } from './protocol.ts';
import { changedParts } from './line_diff.ts';

/** The lines `olds` from `line` on become `news`. */
export interface Change {
  line: number;
  olds: string[];
  news: string[];
}

export type Place = 'here' | 'shown' | 'above' | 'below' | 'elsewhere';

/** Returns the change of the least lines; undefined when the edit does not fit the lines of its file, or is empty. */
export function changeOf(edit: Pick<NextEdit, 'range' | 'text'>, lines: readonly string[]): Change | undefined {
  const { start, end } = edit.range;
  if (end.line > lines.length || start.line > end.line) {
    return undefined;
  }
  const olds = lines.slice(start.line, end.line + 1);
  const head = (lines[start.line] ?? '').slice(0, start.character);
  const tail = (lines[end.line] ?? '').slice(end.character);
  const news = (head + edit.text + tail).split(/\r\n|\n/);
  const most = Math.min(olds.length, news.length);
  let first = 0;
  while (first < most && olds[first] === news[first]) {
    first++;
  }
  let last = 0;
  while (last < most - first && olds[olds.length - 1 - last] === news[news.length - 1 - last]) {
    last++;
  }
  const change = {
    line: start.line + first,
    olds: olds.slice(first, olds.length - last),
    news: news.slice(first, news.length - last),
  };
  return change.olds.length > 0 || change.news.length > 0 ? change : undefined;
}

/** Returns the line at which the user sees the change: lines that are only new stand below it. */
export function lineOf(change: Change): number {
  return change.olds.length > 0 ? change.line : Math.max(change.line - 1, 0);
}

/** Returns where a change of the file in front stands. `visible` has its first and last visible line. */
export function placeOf(change: Change, cursorLine: number, visible: readonly [number, number]): Place {
  const line = lineOf(change);
  if (cursorLine >= line && cursorLine <= Math.max(line, change.line + change.olds.length - 1)) {
    return 'here';
  }
  if (line < visible[0]) {
    return 'above';
  }
  return line > visible[1] ? 'below' : 'shown';
}

/** Returns the column at which the first line changes. */
export function columnOf({ olds: [old], news: [text] }: Change): number {
  return old === undefined || text === undefined ? 0 : (changedParts(old, text)[0]?.start ?? 0);
}

/** Returns the change in a few words: "count → total". */
export function summaryOf({ olds: [old], news: [text] }: Change): string {
  const part = old === undefined || text === undefined ? undefined : changedParts(old, text)[0];
  const [removed, added] = part ? [part.old.trim(), part.text.trim()] : [(old ?? '').trim(), (text ?? '').trim()];
  const words = removed === '' ? `+ ${added}` : added === '' ? `- ${removed}` : `${removed} → ${added}`;
  return words.length > 60 ? `${words.slice(0, 59)}…` : words;
}

/** Returns the text that the edit inserts at or behind the cursor in its line; undefined if it does anything else. */
export function insertionBehind(
  edit: Pick<NextEdit, 'range' | 'text'>,
  cursor: { line: number; character: number },
): string | undefined {
  const { start, end } = edit.range;
  const isEmpty = start.line === end.line && start.character === end.character;
  return isEmpty && start.line === cursor.line && start.character >= cursor.character ? edit.text : undefined;
}

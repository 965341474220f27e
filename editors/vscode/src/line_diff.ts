// The lines and words in which a new text differs from the old one. Columns are UTF-16 code units.

/** The share of a line's text that has to stay; with less of it, the new line is another one. */
const LEAST_KEPT = 0.4;
/** Longer texts are compared by their beginnings and ends alone. */
const MOST_CELLS = 250_000;

/** A part of a line that changed: `old` at the column `start` of the old line, `text` at `newStart` of the new one. */
export interface Part {
  start: number;
  old: string;
  newStart: number;
  text: string;
}

/** An old line and the new one that takes its place. Either may be missing. */
export interface LinePair {
  old?: string;
  text?: string;
}

/** Returns the parts of a line that changed; the whole line, without its indentation, when hardly any of it stays. */
export function changedParts(old: string, text: string): Part[] {
  if (old === text) {
    return [];
  }
  const parts = changedWords(old, text);
  const kept = old.replace(/\s/g, '').length - sum(parts.map((part) => part.old.replace(/\s/g, '').length));
  const longer = Math.max(old.replace(/\s/g, '').length, text.replace(/\s/g, '').length);
  if (text === '' || (parts.length > 1 && kept < LEAST_KEPT * longer)) {
    const [start, newStart] = [indentOf(old), indentOf(text)];
    return [{ start, old: old.slice(start), newStart, text: text.slice(newStart) }];
  }
  return parts;
}

/** Pairs the lines that stay or resemble each other, in order. */
export function pairLines(olds: readonly string[], news: readonly string[]): LinePair[] {
  const pairs: LinePair[] = [];
  let [i, j] = [0, 0];
  for (const [oldIndex, newIndex] of align(olds, news, resemblance)) {
    pairs.push(...olds.slice(i, oldIndex).map((old) => ({ old })));
    pairs.push(...news.slice(j, newIndex).map((text) => ({ text })));
    pairs.push({ old: olds[oldIndex] ?? '', text: news[newIndex] ?? '' });
    [i, j] = [oldIndex + 1, newIndex + 1];
  }
  pairs.push(...olds.slice(i).map((old) => ({ old })), ...news.slice(j).map((text) => ({ text })));
  return pairs;
}

/** Changes with nothing but white space between them are one. */
function changedWords(old: string, text: string): Part[] {
  const [olds, news] = [tokensOf(old), tokensOf(text)];
  const kept = align(olds, news, (one, other) => (one === other ? one.length : 0));
  const parts: Part[] = [];
  let [i, j, start, newStart] = [0, 0, 0, 0];
  for (const [oldIndex, newIndex] of [...kept, [olds.length, news.length] as const]) {
    const part = { start, old: olds.slice(i, oldIndex).join(''), newStart, text: news.slice(j, newIndex).join('') };
    if (part.old !== '' || part.text !== '') {
      add(parts, part, old);
    }
    const token = olds[oldIndex] ?? '';
    start += part.old.length + token.length;
    newStart += part.text.length + token.length;
    [i, j] = [oldIndex + 1, newIndex + 1];
  }
  return parts;
}

function add(parts: Part[], part: Part, line: string): void {
  const last = parts.at(-1);
  const between = last && line.slice(last.start + last.old.length, part.start);
  if (last && between?.trim() === '') {
    last.old += between + part.old;
    last.text += between + part.text;
  } else {
    parts.push(part);
  }
}

/** Returns the pairs of indexes with the greatest sum of scores, in order; a score of 0 is no pair. */
function align<T>(olds: readonly T[], news: readonly T[], score: (old: T, text: T) => number): [number, number][] {
  const width = news.length + 1;
  if (olds.length * width > MOST_CELLS) {
    return [];
  }
  const best = new Float64Array((olds.length + 1) * width);
  const scores = new Float64Array((olds.length + 1) * width);
  for (let i = olds.length - 1; i >= 0; i--) {
    for (let j = news.length - 1; j >= 0; j--) {
      const here = score(olds[i] as T, news[j] as T);
      scores[i * width + j] = here;
      const paired = here > 0 ? here + at(best, (i + 1) * width + j + 1) : 0;
      best[i * width + j] = Math.max(paired, at(best, (i + 1) * width + j), at(best, i * width + j + 1));
    }
  }
  const pairs: [number, number][] = [];
  let [i, j] = [0, 0];
  while (i < olds.length && j < news.length) {
    const here = at(scores, i * width + j);
    if (here > 0 && at(best, i * width + j) === here + at(best, (i + 1) * width + j + 1)) {
      pairs.push([i++, j++]);
    } else if (at(best, i * width + j) === at(best, (i + 1) * width + j)) {
      i++;
    } else {
      j++;
    }
  }
  return pairs;
}

/** Returns the share of the text of two lines that they have in common; 0 when they are different lines. */
function resemblance(old: string, text: string): number {
  if (old === text) {
    return 1 + old.length / 1000; // among equal lines the longer one anchors
  }
  const longer = Math.max(old.replace(/\s/g, '').length, text.replace(/\s/g, '').length);
  const removed = sum(changedWords(old, text).map((part) => part.old.replace(/\s/g, '').length));
  const share = (old.replace(/\s/g, '').length - removed) / Math.max(longer, 1);
  return share < LEAST_KEPT ? 0 : share;
}

function tokensOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^]/gu) ?? [];
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function at(numbers: Float64Array, index: number): number {
  return numbers[index] ?? 0;
}

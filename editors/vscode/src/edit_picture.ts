// The new lines of a next edit as a picture: VS Code's stable API has no lines between lines.
import { changedParts, type LinePair } from './line_diff.ts';

export interface Font {
  family: string;
  sizePx: number;
  linePx: number;
}

export interface Colors {
  text: string;
  background: string;
  border: string;
  added: string;
  hint: string;
}

const DARK: Colors = { text: '#d4d4d4', background: '#252526', border: '#505053', added: '#2e5c36', hint: '#8f8f94' };
const LIGHT: Colors = { text: '#2b2b2b', background: '#f7f7f8', border: '#c4c4c8', added: '#b9ecc0', hint: '#71717a' };

export const THEMES = { dark: DARK, light: LIGHT };

/** East Asian wide characters and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Returns the width of text in columns. */
export function columnsOf(text: string): number {
  return Array.from(text).reduce((columns, character) => columns + (WIDE.test(character) ? 2 : 1), 0);
}

/** The width of a column over the size of its font, in the widest of the usual fonts. */
const WIDEST_COLUMN = 0.66;

/** Returns text in which tabs are spaces. */
export function withoutTabs(text: string, tabSize: number): string {
  return text.replace(/\t/g, ' '.repeat(tabSize));
}

/** Returns an SVG of the new lines of the pairs, their new words highlighted, and of a hint below them. */
export function drawLines(pairs: readonly LinePair[], hint: string, font: Font, colors: Colors, tabSize: number): string {
  const lines = pairs.flatMap(({ old, text }) => (text === undefined ? [] : [{ old, text }]));
  const shared = Math.min(...lines.filter(({ text }) => text.trim()).map(({ text }) => indentOf(text, tabSize)));
  const indent = Number.isFinite(shared) ? shared : 0;
  const rows = lines.map(({ old, text }) => row(old, text, indent, tabSize));
  const columns = Math.max(columnsOf(hint), ...lines.map(({ text }) => columnsOf(withoutTabs(text, tabSize)) - indent));
  const width = `calc(${columns}ch + 20px)`;
  const height = (rows.length + 1) * font.linePx + 4;
  const style =
    `font: ${font.sizePx}px/${font.linePx}px ${font.family}; white-space: pre; color: ${colors.text}; ` +
    `background: ${colors.background}; border: 1px solid ${colors.border}; border-radius: 4px; ` +
    `box-sizing: border-box; height: ${height}px; width: ${width}; padding: 0 9px; margin: 0`;
  const css = `b{font-weight:inherit;border-radius:2px;background:${colors.added}} i{color:${colors.hint}}`;
  const body = rows.map((chunks) => chunks.map(([text, isNew]) => marked(text, isNew)).join(''));
  const html =
    `<div xmlns="http://www.w3.org/1999/xhtml" style="${escaped(style)}"><style>${css}</style>` +
    `${body.join('\n')}\n<i>${escaped(hint)}</i></div>`;
  const pixels = Math.ceil(columns * font.sizePx * WIDEST_COLUMN + 24);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${pixels}" height="${height}">` +
    `<foreignObject width="100%" height="100%">${html}</foreignObject></svg>`
  );
}

/** Returns the new line in chunks, each with whether it is new. */
function row(old: string | undefined, text: string, indent: number, tabSize: number): [string, boolean][] {
  const chunks: [string, boolean][] = [];
  let at = 0;
  const whole = { newStart: indentLength(text), text: text.trimStart() };
  for (const part of old === undefined ? [whole] : changedParts(old, text)) {
    chunks.push([text.slice(at, part.newStart), false], [part.text, true]);
    at = part.newStart + part.text.length;
  }
  chunks.push([text.slice(at), false]);
  let left = indent;
  return chunks.map(([chunk, isNew]) => {
    const spaced = withoutTabs(chunk, tabSize);
    const cut = Math.min(left, spaced.length - spaced.trimStart().length);
    left = cut === spaced.length ? left - cut : 0;
    return [spaced.slice(cut), isNew];
  });
}

function marked(text: string, isNew: boolean): string {
  return isNew ? `<b>${escaped(text)}</b>` : escaped(text);
}

function indentLength(text: string): number {
  return text.length - text.trimStart().length;
}

function indentOf(text: string, tabSize: number): number {
  return columnsOf(withoutTabs(text.slice(0, indentLength(text)), tabSize));
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

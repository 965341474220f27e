// Draws a next edit in the editor in front: its diff, or an arrow to its place when that is not on the screen.
import * as vscode from 'vscode';
import { lineOf, summaryOf, type Change, type Place } from './edit_change.ts';
import { columnsOf, drawLines, THEMES, withoutTabs, type Font } from './edit_picture.ts';
import { changedParts, pairLines, type LinePair } from './line_diff.ts';

/** A line with more changes is shown as a whole, beside the old one. */
const INLINE_PARTS = 3;
/** Old and new lines with more columns together do not stand beside each other. */
const BESIDE_COLUMNS = 110;
const RIGHT = 'M3 8h8M8 4l4 4-4 4';
const ARROWS: Record<Place, string> = {
  here: RIGHT,
  shown: RIGHT,
  above: 'M8 13V4M4 7l4-4 4 4',
  below: 'M8 3v9M4 9l4 4 4-4',
  elsewhere: RIGHT,
};
const ARROW_COLOR = '#4f9cf9';

/** What is to be drawn. `file` is the short name of another file. */
export interface Shown {
  change: Change;
  place: Place;
  why: string | undefined;
  file: string;
}

export class EditDecorations implements vscode.Disposable {
  readonly #removed = vscode.window.createTextEditorDecorationType({
    textDecoration: 'line-through',
    backgroundColor: new vscode.ThemeColor('diffEditor.removedTextBackground'),
  });
  readonly #added = vscode.window.createTextEditorDecorationType({
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  readonly #hint = vscode.window.createTextEditorDecorationType({});
  readonly #arrows = Object.fromEntries(
    Object.entries(ARROWS).map(([place, path]) => [
      place,
      vscode.window.createTextEditorDecorationType({ gutterIconPath: arrow(path), gutterIconSize: '80%' }),
    ]),
  ) as Record<Place, vscode.TextEditorDecorationType>;
  #editor: vscode.TextEditor | undefined;

  /** Removes all that is drawn. */
  clear(): void {
    for (const type of this.#types()) {
      this.#editor?.setDecorations(type, []);
    }
    this.#editor = undefined;
  }

  draw(editor: vscode.TextEditor, { change, place, why, file }: Shown): void {
    this.clear();
    this.#editor = editor;
    const key = `Tab to ${place === 'here' ? 'accept' : 'jump'}`;
    const cursor = editor.selection.active.line;
    if (place === 'here' || place === 'shown') {
      this.#drawDiff(editor, change, why === undefined ? key : `${key} · ${why}`);
      this.#mark(editor, place, lineOf(change));
    } else {
      const line = lineOf(change) + 1;
      const where = place === 'elsewhere' ? `→ ${file}:${line}` : `${place === 'above' ? '↑' : '↓'} line ${line}`;
      this.#say(editor, cursor, `${where}   ${summaryOf(change)}   ${key}`);
      this.#mark(editor, place, cursor);
    }
  }

  dispose(): void {
    for (const type of this.#types()) {
      type.dispose();
    }
  }

  #types(): vscode.TextEditorDecorationType[] {
    return [this.#removed, this.#added, this.#hint, ...Object.values(this.#arrows)];
  }

  #drawDiff(editor: vscode.TextEditor, change: Change, hint: string): void {
    const pairs = pairLines(change.olds, change.news);
    const isInline = pairs.every(isReadInline);
    const removed: vscode.Range[] = [];
    const added: vscode.DecorationOptions[] = [];
    let line = change.line;
    for (const { old, text } of pairs.filter((pair) => pair.old !== undefined)) {
      for (const part of changedParts(old ?? '', text ?? '')) {
        const range = new vscode.Range(line, part.start, line, part.start + part.old.length);
        if (!range.isEmpty) {
          removed.push(range);
        }
        if (isInline && part.text !== '') {
          added.push({ range: new vscode.Range(range.end, range.end), renderOptions: { after: newText(part.text) } });
        }
      }
      line++;
    }
    editor.setDecorations(this.#removed, removed);
    if (isInline || change.news.length === 0) {
      editor.setDecorations(this.#added, added);
      this.#say(editor, lineOf(change), hint);
    } else {
      editor.setDecorations(this.#added, [picture(editor, change, pairs, hint)]);
    }
  }

  #say(editor: vscode.TextEditor, line: number, text: string): void {
    const { end } = editor.document.lineAt(line).range;
    const after = {
      contentText: spaced(text),
      color: new vscode.ThemeColor('editorCodeLens.foreground'),
      margin: '0 0 0 3ch',
    };
    editor.setDecorations(this.#hint, [{ range: new vscode.Range(end, end), renderOptions: { after } }]);
  }

  #mark(editor: vscode.TextEditor, place: Place, line: number): void {
    editor.setDecorations(this.#arrows[place], [new vscode.Range(line, 0, line, 0)]);
  }
}

/** Returns whether the new words of a line are read best within the old one. */
function isReadInline({ old, text }: LinePair): boolean {
  if (old === undefined || text === undefined) {
    return false;
  }
  const parts = changedParts(old, text);
  return parts.length <= INLINE_PARTS && parts[0]?.old !== old.trim();
}

function newText(text: string): vscode.ThemableDecorationAttachmentRenderOptions {
  return {
    contentText: spaced(text),
    color: new vscode.ThemeColor('editor.foreground'),
    backgroundColor: new vscode.ThemeColor('diffEditor.insertedTextBackground'),
  };
}

/** Returns the picture of the new lines beside the old ones, or below them when there is no room. */
function picture(
  editor: vscode.TextEditor,
  change: Change,
  pairs: readonly LinePair[],
  hint: string,
): vscode.DecorationOptions {
  const tabSize = typeof editor.options.tabSize === 'number' ? editor.options.tabSize : 4;
  const font = fontOf(editor.document);
  const line = lineOf(change);
  const { end } = editor.document.lineAt(line).range;
  const width = (text: string) => columnsOf(withoutTabs(text, tabSize));
  const widest = Math.max(...change.olds.map(width), width(editor.document.lineAt(line).text));
  const isBeside = change.olds.length > 0 && widest + Math.max(...change.news.map(width)) <= BESIDE_COLUMNS;
  const here = width(editor.document.lineAt(line).text);
  const place = isBeside
    ? `margin-left: ${widest - here + 3}ch`
    : `margin-left: ${2 - here}ch; margin-top: ${Math.max(change.olds.length, 1) * font.linePx}px`;
  const after = (colors: keyof typeof THEMES) => ({
    after: {
      contentIconPath: asUri(drawLines(pairs, hint, font, THEMES[colors], tabSize)),
      // VS Code has no member for these: the declarations follow that of the decoration.
      textDecoration: `none; position: absolute; z-index: 50; ${place}`,
    },
  });
  return { range: new vscode.Range(end, end), renderOptions: { dark: after('dark'), light: after('light') } };
}

function fontOf(document: vscode.TextDocument): Font {
  const settings = vscode.workspace.getConfiguration('editor', document);
  const sizePx = settings.get('fontSize', 14);
  const given = settings.get<number>('lineHeight', 0);
  const ratio = given === 0 ? (process.platform === 'darwin' ? 1.5 : 1.35) : given;
  const linePx = Math.max(Math.round(ratio < 8 ? ratio * sizePx : ratio), 8);
  return { family: settings.get('fontFamily', 'monospace'), sizePx, linePx };
}

function arrow(path: string): vscode.Uri {
  return asUri(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="${path}" fill="none" stroke="${ARROW_COLOR}" ` +
      `stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`,
  );
}

function asUri(svg: string): vscode.Uri {
  return vscode.Uri.parse(`data:image/svg+xml;base64,${Buffer.from(svg, 'utf-8').toString('base64')}`);
}

/** VS Code drops spaces at the ends of such text, and joins others. */
function spaced(text: string): string {
  return text.replace(/\t/g, '    ').replace(/ /g, '\u00a0');
}

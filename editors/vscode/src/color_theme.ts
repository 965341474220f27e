// The active color theme: VS Code tells a webview the colors of the workbench, but not those of code.
import * as path from 'node:path';
import { parse } from 'jsonc-parser';
import * as vscode from 'vscode';
import { tokenColors, type TokenColors, type TokenRule } from './token_colors.ts';

const MOST_INCLUDES = 8;

interface ThemeFile {
  include?: string;
  tokenColors?: TokenRule[] | string;
}

interface ThemeEntry {
  id?: string;
  label?: string;
  path?: string;
}

/** Returns the colors of code in the active theme; none where its file is not to be had. */
export async function activeTokenColors(): Promise<TokenColors> {
  const file = fileOf(activeTheme());
  return file ? tokenColors(await rulesOf(file)) : {};
}

/** Calls `act` when the active theme has changed. The event of the theme may come before that of its setting. */
export function onThemeChange(act: () => void): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.window.onDidChangeActiveColorTheme(act),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('workbench') || event.affectsConfiguration('window')) {
        act();
      }
    }),
  );
}

/** Returns the name of the active theme in the settings, which depends on the system's scheme if the user wants so. */
function activeTheme(): string {
  const { kind } = vscode.window.activeColorTheme;
  const { ColorThemeKind } = vscode;
  const isHighContrast = kind === ColorThemeKind.HighContrast || kind === ColorThemeKind.HighContrastLight;
  const isLight = kind === ColorThemeKind.Light || kind === ColorThemeKind.HighContrastLight;
  const follows = vscode.workspace.getConfiguration('window');
  const workbench = vscode.workspace.getConfiguration('workbench');
  const shade = isLight ? 'Light' : 'Dark';
  if (isHighContrast && follows.get('autoDetectHighContrast')) {
    return workbench.get(`preferredHighContrast${isLight ? 'Light' : ''}ColorTheme`, '');
  }
  return workbench.get(follows.get('autoDetectColorScheme') ? `preferred${shade}ColorTheme` : 'colorTheme', '');
}

function fileOf(theme: string): vscode.Uri | undefined {
  const names = [theme, theme.replace(/^Default /, '')]; // the built-in themes had this word in their names
  for (const extension of vscode.extensions.all) {
    const { contributes } = extension.packageJSON as { contributes?: { themes?: ThemeEntry[] } };
    const found = contributes?.themes?.find(({ id, label }) => names.includes(id ?? label ?? ''));
    if (found?.path) {
      return vscode.Uri.joinPath(extension.extensionUri, found.path);
    }
  }
  return undefined;
}

/** Returns the rules of a theme behind those of the themes that it includes. */
async function rulesOf(file: vscode.Uri, depth = 0): Promise<TokenRule[]> {
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  const { include, tokenColors } = parse(text, [], { allowTrailingComma: true }) as ThemeFile;
  const beside = (name: string) => file.with({ path: path.posix.join(path.posix.dirname(file.path), name) });
  const included = include && depth < MOST_INCLUDES ? await rulesOf(beside(include), depth + 1) : [];
  return [...included, ...(Array.isArray(tokenColors) ? tokenColors : [])];
}

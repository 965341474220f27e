// The commands that toggle completion, and the settings that they change.
import * as vscode from 'vscode';
import type { Server } from './server.ts';
import { whyOff, withLanguageToggled, type Switches } from './switches.ts';

const ENABLED = 'completion.enabled';
const LANGUAGES = 'completion.disabled_languages';

export function readSwitches(): Switches {
  const settings = vscode.workspace.getConfiguration('midspan');
  return { enabled: settings.get(ENABLED, true), disabledLanguages: settings.get<string[]>(LANGUAGES, []) };
}

/** Returns the reason why the editor requests no completions in the document; undefined if it does. */
export function whyOffHere(document: vscode.TextDocument | undefined): string | undefined {
  return whyOff(readSwitches(), document?.languageId);
}

export async function toggle(server: Server): Promise<void> {
  const settings = vscode.workspace.getConfiguration('midspan');
  const isUnset = settings.inspect(ENABLED)?.globalValue === undefined;
  // midspan.toml may have turned completion off; the setting that is written here overrides it.
  const isOffElsewhere =
    isUnset && server.state.kind === 'running' && server.state.status?.completion?.state === 'off' && !whyOffHere(current());
  const enabled = isOffElsewhere || !readSwitches().enabled;
  await settings.update(ENABLED, enabled, vscode.ConfigurationTarget.Global);
}

export async function toggleLanguage(): Promise<void> {
  const language = current()?.languageId;
  if (language === undefined) {
    void vscode.window.showInformationMessage('Open a file of the language first.');
    return;
  }
  const languages = withLanguageToggled(readSwitches().disabledLanguages, language);
  await vscode.workspace.getConfiguration('midspan').update(LANGUAGES, languages, vscode.ConfigurationTarget.Global);
}

function current(): vscode.TextDocument | undefined {
  return vscode.window.activeTextEditor?.document;
}

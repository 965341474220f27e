// Shows the error of a command to the user, with the button that mends it.
import * as vscode from 'vscode';
import { words } from './server.ts';

/** The setting that an error names, and the button that sets it. */
const REMEDIES = [
  { names: 'chat.model', button: 'Select a Chat Model', command: 'midspan.selectModel', argument: 'chat' },
  { names: 'completion.model', button: 'Select a Model', command: 'midspan.selectModel', argument: 'completion' },
];
const SHOW_LOG = 'Show the Log';

/** Returns the button that mends an error, if there is one. */
export function remedyFor(error: unknown): (typeof REMEDIES)[number] | undefined {
  return REMEDIES.find(({ names }) => words(error).includes(names));
}

export async function reportError(error: unknown): Promise<void> {
  const problem = words(error);
  const remedy = remedyFor(error);
  const chosen = await vscode.window.showWarningMessage(`Midspan: ${problem}`, remedy?.button ?? SHOW_LOG);
  if (chosen === SHOW_LOG) {
    await vscode.commands.executeCommand('midspan.showLog');
  } else if (chosen !== undefined && remedy) {
    await vscode.commands.executeCommand(remedy.command, remedy.argument);
  }
}

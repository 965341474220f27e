// Tells the user, once, how to install `midspan` when it cannot be started.
import * as vscode from 'vscode';
import type { Server } from './server.ts';
import { openSettings } from './settings_page.ts';

const INSTALL = 'pip install .';

export function warnWhenMissing(context: vscode.ExtensionContext, server: Server): void {
  let shown: string | undefined;
  context.subscriptions.push(
    server.onDidChange((state) => {
      const problem = state.kind === 'missing' || state.kind === 'failed' ? state.problem : undefined;
      if (problem !== undefined && problem !== shown) {
        void warn(problem, state.kind === 'missing');
      }
      shown = problem;
    }),
  );
}

async function warn(problem: string, isMissing: boolean): Promise<void> {
  const actions = isMissing ? ['Copy the Command', 'Set Its Path', 'Try Again'] : ['Show the Log', 'Try Again'];
  const advice = isMissing ? ` Run '${INSTALL}' in the folder of Midspan, or set midspan.path.` : '';
  const chosen = await vscode.window.showErrorMessage(`${problem}${advice}`, ...actions);
  switch (chosen) {
    case 'Copy the Command':
      return vscode.env.clipboard.writeText(INSTALL);
    case 'Set Its Path':
      return openSettings('midspan.path');
    case 'Show the Log':
      return vscode.commands.executeCommand('midspan.showLog');
    case 'Try Again':
      return vscode.commands.executeCommand('midspan.restart');
  }
}

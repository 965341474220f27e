// Tells the user, once, what to do when `midspan` cannot be started.
import * as vscode from 'vscode';
import type { PrivateEnvironment } from './environment/private_environment.ts';
import type { Server } from './server.ts';
import { openSettings } from './settings_page.ts';

export function tellWhenMissing(context: vscode.ExtensionContext, server: Server, environment: PrivateEnvironment): void {
  let shown: string | undefined;
  let isOffered = false;
  context.subscriptions.push(
    server.onDidChange((state) => {
      if (state.kind === 'missing' && state.canInstall) {
        if (!isOffered) {
          isOffered = true;
          void environment.offer();
        }
      } else if (state.kind === 'missing' || state.kind === 'failed') {
        if (state.problem !== shown) {
          shown = state.problem;
          const repair = environment.serves() ? ['Install Again'] : [];
          void warn(state.problem, state.kind === 'missing' ? ['Set Its Path'] : [...repair, 'Show the Log']);
        }
      } else if (state.kind === 'running') {
        shown = undefined;
      }
    }),
  );
}

async function warn(problem: string, remedies: string[]): Promise<void> {
  switch (await vscode.window.showErrorMessage(problem, ...remedies, 'Try Again')) {
    case 'Set Its Path':
      return openSettings('midspan.path');
    case 'Install Again':
      return vscode.commands.executeCommand('midspan.install');
    case 'Show the Log':
      return vscode.commands.executeCommand('midspan.showLog');
    case 'Try Again':
      return vscode.commands.executeCommand('midspan.restart');
  }
}

// The status bar item and its menu.
import * as vscode from 'vscode';
import { describeStatus } from './describe_status.ts';
import type { Server } from './server.ts';
import { readSwitches, whyOffHere } from './toggle_commands.ts';

const COLORS = {
  none: undefined,
  error: new vscode.ThemeColor('statusBarItem.errorBackground'),
};

export function showStatusItem(context: vscode.ExtensionContext, server: Server): void {
  const item = vscode.window.createStatusBarItem('midspan.status', vscode.StatusBarAlignment.Right, 100);
  item.name = 'Midspan';
  item.command = 'midspan.showMenu';
  const draw = () => {
    const view = describeStatus(server.state, whyOffHere(vscode.window.activeTextEditor?.document));
    item.text = view.text;
    item.tooltip = view.tooltip;
    item.accessibilityInformation = { label: `Midspan. ${view.tooltip}`, role: 'button' };
    item.backgroundColor = COLORS[view.severity];
  };
  draw();
  item.show();
  context.subscriptions.push(
    item,
    server.onDidChange(draw),
    vscode.window.onDidChangeActiveTextEditor(draw),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('midspan') && draw()),
  );
}

interface Entry extends vscode.QuickPickItem {
  command?: string;
}

export async function showMenu(server: Server): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const view = describeStatus(server.state, whyOffHere(document));
  const { enabled, disabledLanguages } = readSwitches();
  const language = document?.languageId;
  const languageEntry: Entry[] = language
    ? [
        {
          label: `$(code) Turn completions ${disabledLanguages.includes(language) ? 'on' : 'off'} for ${language}`,
          command: 'midspan.toggleLanguage',
        },
      ]
    : [];
  const isMissing = server.state.kind === 'missing' && server.state.canInstall;
  const installEntry: Entry[] = isMissing
    ? [{ label: '$(cloud-download) Install Midspan for this extension', command: 'midspan.install' }]
    : [];
  const entries: Entry[] = [
    ...installEntry,
    { label: `$(circle-slash) Turn completions ${enabled ? 'off' : 'on'}`, command: 'midspan.toggle' },
    ...languageEntry,
    { label: '$(package) Select a model…', command: 'midspan.selectModel' },
    { label: '$(comment-discussion) Open the chat', command: 'midspan.openChat' },
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(list-tree) Show the trace of recent requests', command: 'midspan.showTrace' },
    { label: '$(output) Show the log', command: 'midspan.showLog' },
    { label: '$(gear) Settings', command: 'midspan.openSettings' },
    { label: '$(debug-restart) Restart', command: 'midspan.restart' },
  ];
  const picked = await vscode.window.showQuickPick(entries, { title: 'Midspan', placeHolder: view.tooltip });
  if (picked?.command) {
    await vscode.commands.executeCommand(picked.command);
  }
}

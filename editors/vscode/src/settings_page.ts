// Opens the page of the settings where those of this machine are, such as midspan.path.
import * as vscode from 'vscode';

/** In a remote window, the settings of the machine stand on the tab of the remote, and nowhere else. */
export async function openSettings(query: string): Promise<void> {
  const page = vscode.env.remoteName === undefined ? 'openSettings' : 'openRemoteSettings';
  await vscode.commands.executeCommand(`workbench.action.${page}`, { query });
}

// The server's code actions: those of the chat model become commands of this extension, and the edits of the others
// are shown as a diff before they are applied. A refusal is told, about which VS Code and its language client are silent.
import * as vscode from 'vscode';
import { CodeActionResolveRequest, ResponseError, type Middleware } from 'vscode-languageclient/node';
import { asWire, EDIT_KIND, nameOf, type ActionData, type Target } from './actions.ts';
import type { FileEdit } from './text_edits.ts';

export const PREVIEW_EDIT = 'midspan.previewEdit';
export const TELL_REFUSAL = 'midspan.tellRefusal';

type ProtocolAction = vscode.CodeAction & { data?: unknown };

export const codeActionMiddleware: Pick<Middleware, 'provideCodeActions' | 'resolveCodeAction' | 'sendRequest'> = {
  async provideCodeActions(document, range, context, token, next) {
    const found = await next(document, range, context, token);
    const target = { uri: document.uri.toString(), version: document.version, range, diagnostics: [] };
    return found?.map((action) => (action instanceof vscode.CodeAction ? asCommand(action, target) : action));
  },
  async resolveCodeAction(action, token, next) {
    if (action.command) {
      return action; // the extension's own command answers it, and the server would answer it a second time
    }
    const resolved = (await next(action, token)) ?? action;
    if (resolved.edit) {
      const files = plainEdits(resolved.edit);
      resolved.command = { title: resolved.title, command: PREVIEW_EDIT, arguments: [resolved.title, files] };
      delete resolved.edit;
    }
    return resolved;
  },
  async sendRequest(type, param, token, next) {
    try {
      return await next(type, param, token);
    } catch (error) {
      const { method } = CodeActionResolveRequest.type;
      const isResolve = (typeof type === 'string' ? type : type.method) === method;
      if (!isResolve || !(error instanceof ResponseError) || token?.isCancellationRequested) {
        throw error;
      }
      // VS Code runs the command once the user has chosen the action; it may request the edit earlier.
      const command = { title: 'Midspan', command: TELL_REFUSAL, arguments: [error.message] };
      return { ...param, command } as Awaited<ReturnType<typeof next>>;
    }
  },
};

function asCommand(action: ProtocolAction, selected: Target): vscode.CodeAction {
  const name = nameOf(action.kind?.value);
  if (action.kind?.value === EDIT_KIND && action.disabled) {
    // The extension can ask the user for the instruction.
    const edit = new vscode.CodeAction('Edit by instruction…', action.kind);
    edit.command = { title: edit.title, command: 'midspan.edit', arguments: [selected] };
    return edit;
  }
  if (name && !action.disabled) {
    const { uri, version, range } = action.data as ActionData;
    const target: Target = { uri, version, range, diagnostics: (action.diagnostics ?? []).map(asWire) };
    action.command = { title: action.title, command: `midspan.${name}`, arguments: [target] };
  }
  return action;
}

/** Returns the text edits. The server's edits are of one file, which exists. */
function plainEdits(edit: vscode.WorkspaceEdit): FileEdit[] {
  return edit.entries().map(([uri, edits]) => ({
    uri: uri.toString(),
    creates: false,
    edits: edits.map(({ range, newText }) => ({ range: { start: range.start, end: range.end }, newText })),
  }));
}

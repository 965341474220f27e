// Starts the server and registers the commands. vscode-languageclient requests ghost text, and VS Code accepts it.
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';
import { targetOfSelection, type ActionName, type Target } from './actions.ts';
import { CHAT_VIEW, ChatView } from './chat_view.ts';
import { codeActionMiddleware, PREVIEW_EDIT, TELL_REFUSAL } from './code_actions.ts';
import { EditCommands } from './edit_commands.ts';
import { Environments } from './environment/environments.ts';
import { PrivateEnvironment } from './environment/private_environment.ts';
import type { Section } from './model_list.ts';
import { selectModel } from './models.ts';
import { NextEdits } from './next_edits.ts';
import { EditPreview } from './preview.ts';
import { reportError } from './report_error.ts';
import { Server } from './server.ts';
import { openSettings } from './settings_page.ts';
import { showMenu, showStatusItem } from './status_item.ts';
import type { FileEdit } from './text_edits.ts';
import { toggle, toggleLanguage, whyOffHere } from './toggle_commands.ts';
import { TraceDocument } from './trace.ts';
import { tellWhenMissing } from './missing.ts';

const WALKTHROUGH = 'midspan.midspan#midspan.start';

let server: Server | undefined;
let environment: PrivateEnvironment | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const environments = new Environments(join(context.globalStorageUri.fsPath, 'environments'));
  const middleware: Middleware = {
    ...codeActionMiddleware,
    // The editor requests nothing where completion is off, and none for ghost text that is a next edit.
    provideInlineCompletionItems: async (document, position, about, token, next) => {
      if (whyOffHere(document) !== undefined || nextEdits.ghost.isAsking) {
        return null;
      }
      const { version } = document;
      const result = await next(document, position, about, token);
      if (!token.isCancellationRequested && document.version === version) {
        nextEdits.noteGhost(document, position, hasItems(result));
      }
      return result;
    },
  };
  const started = new Server(context, middleware, environments);
  server = started;
  const own = new PrivateEnvironment(context, started, environments);
  environment = own;
  const nextEdits = new NextEdits(started);
  const preview = new EditPreview();
  const chat = new ChatView(started, preview, context.extensionUri);
  const page = { webviewOptions: { retainContextWhenHidden: true } };
  context.subscriptions.push(started, own, nextEdits, preview, vscode.window.registerWebviewViewProvider(CHAT_VIEW, chat, page));
  registerCommands(context, started, own, preview, chat, nextEdits);
  showStatusItem(context, started);
  tellWhenMissing(context, started, own);
  await started.restart();
  void reporting(() => own.tidyUp())();
}

export async function deactivate(): Promise<void> {
  await Promise.all([server?.stop(), environment?.stop()]);
}

function hasItems(result: vscode.InlineCompletionItem[] | vscode.InlineCompletionList | null | undefined): boolean {
  return (Array.isArray(result) ? result : (result?.items ?? [])).length > 0;
}

function registerCommands(
  context: vscode.ExtensionContext,
  started: Server,
  environment: PrivateEnvironment,
  preview: EditPreview,
  chat: ChatView,
  nextEdits: NextEdits,
): void {
  const edits = new EditCommands(started, preview);
  const trace = new TraceDocument(context, started);
  const on = (name: ActionName, act: (target: Target) => Promise<void>) => ({
    [`midspan.${name}`]: async (target?: Target) => act(target ?? (await targetOfSelection(started, name))),
  });
  const { executeCommand } = vscode.commands;
  const commands: Record<string, (...given: never[]) => unknown> = {
    'midspan.toggle': () => toggle(started),
    'midspan.toggleLanguage': toggleLanguage,
    ...on('explain', (target) => chat.answer('explain', target)),
    ...on('review', (target) => chat.answer('review', target)),
    ...on('fix', (target) => edits.fix(target)),
    ...on('edit', (target) => edits.edit(target)),
    ...on('tests', (target) => edits.tests(target)),
    'midspan.openChat': () => chat.open(),
    'midspan.newConversation': () => chat.startOver(),
    'midspan.stopChat': () => chat.stop(),
    'midspan.addSelectionToChat': () => chat.refer('selection').then(() => chat.open()),
    'midspan.addFileToChat': () => chat.refer('file').then(() => chat.open()),
    'midspan.nextEdit': () => nextEdits.advance(),
    'midspan.nextEdit.dismiss': () => nextEdits.dismiss(),
    'midspan.dismissGhostText': () => nextEdits.dismissGhost(),
    'midspan.nextEdit.ask': () => nextEdits.ask(),
    'midspan.acceptPreview': () => preview.accept(),
    'midspan.rejectPreview': () => preview.reject(),
    [PREVIEW_EDIT]: (title: string, files: FileEdit[]) => showFirst(preview, title, files),
    [TELL_REFUSAL]: reportError,
    'midspan.selectModel': (section?: Section) => selectModel(started, section),
    'midspan.showTrace': () => trace.show(),
    'midspan.showLog': () => started.log.show(),
    'midspan.showMenu': () => showMenu(started),
    'midspan.openSettings': () => openSettings('@ext:midspan.midspan'),
    'midspan.getStarted': () => executeCommand('workbench.action.openWalkthrough', WALKTHROUGH),
    'midspan.restart': () => started.restart(),
    'midspan.install': () => environment.install(),
    'midspan.removeEnvironment': () => environment.remove(),
  };
  for (const [name, command] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, reporting(command)));
  }
}

async function showFirst(preview: EditPreview, title: string, [edit]: FileEdit[]): Promise<void> {
  if (!edit) {
    throw new Error('The answer changes nothing.');
  }
  await preview.show(edit, `${vscode.workspace.asRelativePath(vscode.Uri.parse(edit.uri))}: ${title}`);
}

/** Wraps a command so that its errors are shown to the user as a warning. */
function reporting(command: (...given: never[]) => unknown): (...given: never[]) => Promise<void> {
  return async (...given) => {
    try {
      await command(...given);
    } catch (error) {
      void reportError(error);
    }
  };
}

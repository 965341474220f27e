// Selects a model: one of this machine, or one of the catalogue, which `midspan model pull` downloads.
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { choices, percentFetched, type Choice, type ModelListing, type Section } from './model_list.ts';
import type { Server } from './server.ts';

const POLL_MS = 2000;
const run = promisify(execFile);

export async function selectModel(server: Server, section?: Section): Promise<void> {
  const found = server.find();
  if ('problem' in found) {
    throw new Error(found.problem);
  }
  const chosenSection = section ?? (await pickSection());
  if (!chosenSection) {
    return;
  }
  const now = server.state.kind === 'running' ? server.state.status?.[chosenSection]?.model : undefined;
  const offered = list(found.program).then((listing) => choices(listing, chosenSection, now));
  const choice = await vscode.window.showQuickPick(offered, {
    title: `Midspan: the model for ${chosenSection}`,
    placeHolder: "Add your own models with 'midspan model import'.",
    matchOnDescription: true,
  });
  if (choice && (await fetchIfNeeded(found.program, choice, server.log))) {
    const settings = vscode.workspace.getConfiguration('midspan');
    // Null, which means the built-in model or none, and not the setting removed: midspan.toml may name a model too.
    await settings.update(`${chosenSection}.model`, choice.model ?? null, vscode.ConfigurationTarget.Global);
    void vscode.window.showInformationMessage(confirmation(chosenSection, choice.model));
  }
}

function confirmation(section: Section, model: string | undefined): string {
  if (section === 'completion') {
    return `Midspan completes with ${model ?? 'the built-in model'}.`;
  }
  return model === undefined ? 'Midspan has no chat model now.' : `Midspan chats and edits with ${model}.`;
}

async function pickSection(): Promise<Section | undefined> {
  const sections: (vscode.QuickPickItem & { section: Section })[] = [
    { label: 'Completion', description: 'the ghost text at the cursor', section: 'completion' },
    { label: 'Chat', description: 'questions, fixes, edits and tests', section: 'chat' },
  ];
  return (await vscode.window.showQuickPick(sections, { title: 'Midspan: select a model for' }))?.section;
}

async function list(program: string): Promise<ModelListing> {
  const { stdout } = await run(program, ['model', 'list', '--json']);
  return JSON.parse(stdout) as ModelListing;
}

/** Downloads the model if need be. Returns whether it is on this machine. */
async function fetchIfNeeded(program: string, choice: Choice, log: vscode.LogOutputChannel): Promise<boolean> {
  const { model, sizeBytes } = choice;
  if (model === undefined || sizeBytes === undefined) {
    return true;
  }
  const options = { location: vscode.ProgressLocation.Notification, title: `Midspan: downloading ${model}`, cancellable: true };
  return vscode.window.withProgress(options, (progress, stopped) => pull(program, model, sizeBytes, progress, stopped, log));
}

type Bar = vscode.Progress<{ message?: string; increment?: number }>;

/** Runs `midspan model pull`. A download that the user stops is resumed by the next one. */
async function pull(
  program: string,
  model: string,
  sizeBytes: number,
  progress: Bar,
  stopped: vscode.CancellationToken,
  log: vscode.LogOutputChannel,
): Promise<boolean> {
  const child = spawn(program, ['model', 'pull', model], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-2000);
      log.info(text.trimEnd());
    });
  }
  let shown = 0;
  const poll = async () => {
    const percent = percentFetched(await list(program), model, sizeBytes);
    if (percent !== undefined) {
      progress.report({ message: `${percent.toFixed(0)}% of ${gigabytes(sizeBytes)}`, increment: percent - shown });
      shown = percent;
    }
  };
  const timer = setInterval(() => void poll().catch((error: unknown) => log.debug(String(error))), POLL_MS);
  stopped.onCancellationRequested(() => child.kill('SIGINT'));
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
    if (code !== 0 && !stopped.isCancellationRequested) {
      throw new Error(output.trim().split('\n').at(-1) ?? `midspan model pull ${model} failed.`);
    }
    return code === 0;
  } finally {
    clearInterval(timer);
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

// Installs Midspan into an environment of the extension's own, for a machine without the program, and removes it.
import { execFile } from 'node:child_process';
import * as os from 'node:os';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { isProgram, searchPath } from '../programs.ts';
import { words, type Server } from '../server.ts';
import { openSettings } from '../settings_page.ts';
import type { Environment, Environments } from './environments.ts';
import { findTool } from './find_tools.ts';
import {
  installSteps,
  makeStep,
  pipConfiguration,
  programOf,
  requirementOf,
  stepVariables,
  type InstallSettings,
  type Step,
} from './install_steps.ts';
import { OutputReader } from './output_words.ts';
import { runStep } from './run_step.ts';

const SIZE = 'It takes about 2 GB of disk, or 6 GB where torch comes with CUDA.';
const NOT_NOW = 'Not Now';
const QUICK_MS = 20_000;
const run = promisify(execFile);

type Bar = vscode.Progress<{ message?: string }>;

export class PrivateEnvironment implements vscode.Disposable {
  readonly #context: vscode.ExtensionContext;
  readonly #server: Server;
  readonly #environments: Environments;
  readonly #version: string;
  readonly #watcher: vscode.FileSystemWatcher;
  #installation: { stop: AbortController; ended: Promise<void> } | undefined;

  constructor(context: vscode.ExtensionContext, server: Server, environments: Environments) {
    this.#context = context;
    this.#server = server;
    this.#environments = environments;
    this.#version = (context.extension.packageJSON as { version: string }).version;
    const records = new vscode.RelativePattern(vscode.Uri.file(environments.folder), '*.json');
    this.#watcher = vscode.workspace.createFileSystemWatcher(records, false, true, false);
    this.#watcher.onDidCreate(() => this.#followOtherWindows());
    this.#watcher.onDidDelete(() => this.#followOtherWindows());
  }

  /** Offers to install, unless the user has said "Not Now" to this version of the extension. */
  async offer(): Promise<void> {
    const where = vscode.env.remoteName === undefined ? 'this machine' : 'the remote machine';
    const question = `Midspan's program is not on ${where}. Install it there, for this extension alone? ${SIZE}`;
    const chosen = await this.#ask('install', question, 'Install Midspan', 'Set Its Path');
    if (chosen === 'Install Midspan') {
      await this.install();
    } else if (chosen === 'Set Its Path') {
      await openSettings('midspan.path');
    }
  }

  /** Removes what a killed installation has left, and offers to update an environment of another version. */
  async tidyUp(): Promise<void> {
    const current = this.#environments.current();
    await this.#environments.removeAllBut(current);
    if (!current || !this.serves()) {
      return;
    }
    const requirement = requirementOf(readSettings(), this.#version, os.homedir());
    if (current.version !== this.#version || current.requirement !== requirement) {
      const question = `The extension is Midspan ${this.#version}; its private environment has ${current.requirement}.`;
      if ((await this.#ask('update', question, 'Update')) === 'Update') {
        await this.install();
      }
    }
  }

  /** Returns whether the server runs from the environment, or was to. */
  serves(): boolean {
    return this.#server.program !== undefined && this.#server.program === this.#environments.current()?.program;
  }

  /** Installs, or installs anew, with progress that the user can cancel. */
  async install(): Promise<void> {
    const found = this.#server.find();
    if ('problem' in found && !found.canInstall) {
      throw new Error(found.problem);
    }
    if ('program' in found && found.program !== this.#environments.current()?.program) {
      void vscode.window.showInformationMessage(`Midspan is here already, and goes first: ${found.program}`);
      return;
    }
    if (this.#installation) {
      throw new Error('Midspan is being installed already.');
    }
    const stop = new AbortController();
    const options = { location: vscode.ProgressLocation.Notification, title: 'Installing Midspan', cancellable: true };
    const ended = Promise.resolve(
      vscode.window.withProgress(options, async (progress, cancelled) => {
        cancelled.onCancellationRequested(() => stop.abort());
        await this.#install(progress, stop.signal);
      }),
    );
    this.#installation = { stop, ended };
    try {
      await ended;
      this.#congratulate(stop.signal);
    } catch (error) {
      void this.#reportFailure(error);
    } finally {
      this.#installation = undefined;
    }
  }

  /** Removes the environment after a question. */
  async remove(): Promise<void> {
    const current = this.#environments.current();
    if (!current) {
      void vscode.window.showInformationMessage('Midspan has no private environment on this machine.');
      return;
    }
    const detail = `${current.folder}\n\nModels, settings and the index stay.`;
    const question = "Remove Midspan's private environment?";
    if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, 'Remove')) === 'Remove') {
      await this.#context.globalState.update(this.#key('install'), this.#version); // nobody wants to be asked now
      await this.#replace(current);
    }
  }

  /** Stops an installation, and returns when nothing is left of it. */
  async stop(): Promise<void> {
    this.#installation?.stop.abort();
    await this.#installation?.ended.catch(() => undefined);
  }

  dispose(): void {
    this.#watcher.dispose();
  }

  async #install(progress: Bar, signal: AbortSignal): Promise<void> {
    const old = this.#environments.current();
    const begun = await this.#environments.begin(this.#version);
    this.#server.showInstalling();
    try {
      await this.#fill(begun.folder, progress, signal);
      await begun.finish({ version: this.#version, requirement: requirementOf(readSettings(), this.#version, os.homedir()) });
    } catch (error) {
      await begun.discard();
      await this.#server.restartIfMissing();
      if (!signal.aborted) {
        throw error;
      }
      this.#server.log.info('The installation was cancelled.');
      return;
    }
    progress.report({ message: 'starting' });
    await this.#replace(old);
  }

  async #fill(folder: string, progress: Bar, signal: AbortSignal): Promise<void> {
    const settings = readSettings();
    const env = stepVariables(process.env, settings);
    const tool = await findTool({
      platform: process.platform,
      searchPath: searchPath(),
      home: os.homedir(),
      isProgram,
      output: (command) => output(command),
    });
    const perform = async ({ words: message, command }: Step) => {
      progress.report({ message });
      this.#log(`> ${command.join(' ')}`);
      const reader = new OutputReader();
      const onLine = (line: string) => {
        this.#log(line);
        const said = reader.read(line);
        if (said !== undefined) {
          progress.report({ message: said });
        }
      };
      await runStep(command, { cwd: this.#environments.folder, env, onLine, signal });
    };
    await perform(makeStep(tool, folder));
    const python = programOf(folder, 'python', process.platform);
    const configured = tool.kind === 'uv' ? '' : ((await output(pipConfiguration(python))) ?? '');
    const requirement = requirementOf(settings, this.#version, os.homedir());
    for (const step of installSteps(tool, python, requirement, settings, configured)) {
      await perform(step);
    }
  }

  /** Has the server run from what is there now, and removes an environment. */
  async #replace(old: Environment | undefined): Promise<void> {
    await this.#server.stop();
    if (old) {
      await output([old.program, 'daemon', 'stop']); // other editors' relays start the next one
    }
    const current = this.#environments.current();
    await this.#environments.removeAllBut(current?.folder === old?.folder ? undefined : current);
    await this.#server.restart();
  }

  /** Restarts when another window has made or removed the environment that counts. */
  #followOtherWindows(): void {
    const found = this.#server.find();
    const program = 'program' in found ? found.program : undefined;
    if (!this.#installation && program !== this.#server.program) {
      void this.#server.restart();
    }
  }

  #congratulate(signal: AbortSignal): void {
    if (!signal.aborted) {
      const news = `Midspan ${this.#version} is installed. Open a file and type.`;
      void vscode.window.showInformationMessage(news, 'Select a Model', 'Get Started').then((chosen) => {
        if (chosen) {
          const command = chosen === 'Get Started' ? 'midspan.getStarted' : 'midspan.selectModel';
          void vscode.commands.executeCommand(command);
        }
      });
    }
  }

  async #reportFailure(error: unknown): Promise<void> {
    this.#log(words(error));
    const problem = `Midspan could not be installed: ${withoutPasswords(words(error))}`;
    const chosen = await vscode.window.showErrorMessage(problem, 'Try Again', 'Show the Log');
    if (chosen) {
      await vscode.commands.executeCommand(chosen === 'Try Again' ? 'midspan.install' : 'midspan.showLog');
    }
  }

  async #ask(about: 'install' | 'update', question: string, ...answers: string[]): Promise<string | undefined> {
    if (this.#context.globalState.get(this.#key(about)) === this.#version) {
      return undefined;
    }
    const chosen = await vscode.window.showInformationMessage(question, ...answers, NOT_NOW);
    if (chosen === NOT_NOW) {
      await this.#context.globalState.update(this.#key(about), this.#version);
    }
    return chosen;
  }

  /** An answer is for one machine; the editor keeps them for all remote machines in one place. */
  #key(about: 'install' | 'update'): string {
    return `notNow.${about}.${vscode.env.remoteName ?? ''}`;
  }

  #log(line: string): void {
    this.#server.log.info(withoutPasswords(line));
  }
}

function readSettings(): InstallSettings {
  const settings = vscode.workspace.getConfiguration('midspan.install');
  return { requirement: settings.get('requirement', ''), arguments: settings.get<string[]>('arguments', []) };
}

async function output([program = '', ...rest]: string[]): Promise<string | undefined> {
  try {
    return (await run(program, rest, { timeout: QUICK_MS, windowsHide: true })).stdout;
  } catch {
    return undefined;
  }
}

/** An address of a package index may hold a password. */
function withoutPasswords(line: string): string {
  return line.replace(/:\/\/[^/\s@]+@/g, '://…@');
}

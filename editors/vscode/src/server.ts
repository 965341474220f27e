// The language client: finds and starts the server, sends its settings, restarts it.
import * as os from 'node:os';
import { createInterface } from 'node:readline';
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type ClientCapabilities,
  type Middleware,
  type StaticFeature,
} from 'vscode-languageclient/node';
import type { Environments } from './environment/environments.ts';
import { findMidspan, type Found, type Missing } from './executable.ts';
import { collectOptions, serverSettings, type Options, type ServerSetting } from './options.ts';
import { isProgram, searchPath } from './programs.ts';
import type { Status } from './protocol.ts';
import { ServerLog } from './server_log.ts';
import type { ServerState } from './server_state.ts';

const RESTARTS = 4;
const SCHEMES = ['file', 'untitled'];

/** Returns whether the server has this document: a file or a new one, and no preview of a change. */
export function isServed(document: vscode.TextDocument): boolean {
  return SCHEMES.includes(document.uri.scheme);
}

// Announces that the client wants midspan/statusChanged, and that no folder sets models and `stats` in its settings.
const MIDSPAN_FEATURE: StaticFeature = {
  fillClientCapabilities: (capabilities: ClientCapabilities) => {
    const midspan = { status: true, userSettings: true };
    capabilities.experimental = { ...(capabilities.experimental as object), midspan };
  },
  initialize: () => undefined,
  getState: () => ({ kind: 'static' }),
  clear: () => undefined,
};

export class Server implements vscode.Disposable {
  state: ServerState = { kind: 'starting' };
  /** The program that was started last; undefined if none was found. */
  program: string | undefined;
  readonly log: vscode.LogOutputChannel;
  readonly #changed = new vscode.EventEmitter<ServerState>();
  readonly onDidChange = this.#changed.event;
  readonly #settings: ServerSetting[];
  readonly #middleware: Middleware;
  readonly #environments: Environments;
  #client: LanguageClient | undefined;
  #busy = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(context: vscode.ExtensionContext, middleware: Middleware, environments: Environments) {
    const { contributes } = context.extension.packageJSON as PackageJson;
    this.#settings = serverSettings(contributes.configuration.properties);
    this.#middleware = middleware;
    this.#environments = environments;
    this.log = vscode.window.createOutputChannel('Midspan', { log: true });
    context.subscriptions.push(
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('midspan.path')) {
          void this.restart();
        } else if (event.affectsConfiguration('midspan')) {
          void this.#sendSettings();
        }
      }),
      vscode.window.onDidChangeActiveTextEditor(() => void this.askStatus()),
      vscode.workspace.onDidSaveTextDocument(() => void this.askStatus()), // its text, or a rule in it, may exclude a file
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.restartIfMissing()),
    );
  }

  /** Returns the client once it runs. Throws an error for the user if it does not run. */
  async running(): Promise<LanguageClient> {
    await this.#turn;
    if (!this.#client?.isRunning()) {
      throw new Error('problem' in this.state ? this.state.problem : 'Midspan does not run.');
    }
    return this.#client;
  }

  /** Returns the client if it runs and its server knows next edits. */
  nextEditClient(): LanguageClient | undefined {
    const client = this.#client;
    const experimental = client?.initializeResult?.capabilities.experimental as Experimental | undefined;
    return client?.isRunning() && experimental?.midspan?.nextEdit ? client : undefined;
  }

  /** Restarts after any other restart has ended: settings may change while the server starts. */
  restart(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#stop()).then(() => this.#start());
    return this.#turn;
  }

  /** Restarts if there was no program. */
  async restartIfMissing(): Promise<void> {
    if (this.state.kind === 'missing' || this.state.kind === 'installing') {
      await this.restart();
    }
  }

  /** Shows that the program is being installed, unless one runs meanwhile. */
  showInstalling(): void {
    if (this.state.kind === 'missing' || this.state.kind === 'failed') {
      this.#set({ kind: 'installing' });
    }
  }

  async stop(): Promise<void> {
    await this.#turn;
    await this.#stop();
  }

  /** Requests the status for the active document. */
  async askStatus(): Promise<void> {
    const client = this.#client;
    if (!client?.isRunning()) {
      return;
    }
    const uri = vscode.window.activeTextEditor?.document.uri;
    const isKnown = uri !== undefined && SCHEMES.includes(uri.scheme);
    const params = isKnown ? { uri: client.code2ProtocolConverter.asUri(uri) } : {};
    try {
      const status = await client.sendRequest<Status>('midspan/status', params);
      // The answer's `busy` may be out of date already; the last notification's is not.
      this.#set({ kind: 'running', status: { ...status, busy: this.#busy } });
    } catch (error) {
      this.log.warn(`midspan/status: ${words(error)}`);
    }
  }

  /** Finds the program, which runs `midspan model` too. */
  find(): Found | Missing {
    return findMidspan({
      setting: vscode.workspace.getConfiguration('midspan').get('path', ''),
      searchPath: searchPath(),
      virtualEnvironment: process.env.VIRTUAL_ENV,
      folders: vscode.workspace.isTrusted ? localFolders() : [],
      home: os.homedir(),
      isWindows: process.platform === 'win32',
      privateProgram: this.#environments.current()?.program,
      isProgram,
    });
  }

  dispose(): void {
    this.#changed.dispose();
    this.log.dispose();
  }

  async #start(): Promise<void> {
    const found = this.find();
    this.program = 'program' in found ? found.program : undefined;
    if ('problem' in found) {
      this.#set({ kind: 'missing', ...found });
      return;
    }
    this.#set({ kind: 'starting' });
    const client = this.#build(found.program);
    this.#client = client;
    client.registerFeature(MIDSPAN_FEATURE);
    this.#busy = 0;
    client.onNotification('midspan/statusChanged', ({ busy }: Status) => {
      this.#busy = busy ?? 0;
      void this.askStatus();
    });
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) {
        void this.askStatus();
      }
    });
    try {
      await client.start();
    } catch (error) {
      this.#set({ kind: 'failed', problem: `${found.program} could not be started: ${words(error)}` });
    }
  }

  #build(program: string): LanguageClient {
    let closed = 0;
    return new LanguageClient(
      'midspan',
      'Midspan',
      { command: program, args: ['serve'] },
      {
        documentSelector: SCHEMES.map((scheme) => ({ scheme })),
        initializationOptions: () => this.#options(),
        outputChannel: this.log,
        stdioOptions: { stdout: () => undefined, stderr: (input) => this.#showLog(input) },
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        middleware: this.#middleware,
        initializationFailedHandler: () => false,
        errorHandler: {
          error: () => ({ action: ErrorAction.Continue }), // the connection goes on; `closed` is called when it ends
          closed: () => {
            closed += 1;
            if (closed <= RESTARTS) {
              this.#set({ kind: 'starting' });
              return { action: CloseAction.Restart, handled: true };
            }
            const problem = 'Midspan has stopped several times. The log says why.';
            this.#set({ kind: 'failed', problem });
            return { action: CloseAction.DoNotRestart, message: problem };
          },
        },
      },
    );
  }

  #showLog(input: NodeJS.ReadableStream): void {
    const log = new ServerLog();
    createInterface({ input }).on('line', (line) => {
      const [level, text] = log.read(line);
      this.log[level](text);
    });
  }

  async #stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      this.log.warn(`The server did not stop cleanly: ${words(error)}`);
    }
  }

  async #sendSettings(): Promise<void> {
    await this.#turn;
    if (this.#client?.isRunning()) {
      await this.#client.sendNotification('midspan/userSettings', this.#options());
      await this.askStatus(); // the status of one document; midspan/statusChanged is about all
    }
  }

  #options(): Options {
    const settings = vscode.workspace.getConfiguration('midspan');
    return collectOptions(this.#settings, (name) => settings.inspect(name));
  }

  #set(state: ServerState): void {
    if ((state.kind === 'running') !== (this.state.kind === 'running')) {
      void vscode.commands.executeCommand('setContext', 'midspan.isRunning', state.kind === 'running'); // for the walkthrough
    }
    this.state = state;
    this.#changed.fire(state);
  }
}

interface Experimental {
  midspan?: { nextEdit?: boolean };
}

interface PackageJson {
  contributes: { configuration: { properties: Record<string, { scope?: string }> } };
}

function localFolders(): string[] {
  return (vscode.workspace.workspaceFolders ?? [])
    .filter((folder) => folder.uri.scheme === 'file')
    .map((folder) => folder.uri.fsPath);
}

/** Returns the message of an error. VS Code shows messages as plain text, so backticks become quotes. */
export function words(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/`/g, "'");
}

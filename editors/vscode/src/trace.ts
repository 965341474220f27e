// The trace of the last requests, in a read-only document.
import * as vscode from 'vscode';
import { formatTraces, type Trace } from './format_trace.ts';
import type { Server } from './server.ts';

const URI = vscode.Uri.from({ scheme: 'midspan-trace', path: 'Midspan trace' });
const LIMIT = 50;

export class TraceDocument implements vscode.TextDocumentContentProvider {
  readonly #server: Server;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;

  constructor(context: vscode.ExtensionContext, server: Server) {
    this.#server = server;
    context.subscriptions.push(
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(URI.scheme, this),
    );
  }

  async provideTextDocumentContent(): Promise<string> {
    const client = await this.#server.running();
    const { traces } = await client.sendRequest<{ traces: Trace[] }>('midspan/trace', { limit: LIMIT });
    return formatTraces(traces);
  }

  /** Opens the document with the newest requests. */
  async show(): Promise<void> {
    this.#changed.fire(URI);
    await vscode.window.showTextDocument(URI, { preview: true });
  }
}

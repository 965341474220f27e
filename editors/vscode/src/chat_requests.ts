// The requests of the chat: a question, the kept conversation, and what "@" may name.
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type { NamedReference, Turn } from './conversation.ts';
import { describe, requestInPieces } from './edit_commands.ts';
import type { ChatMessage, ChatResult, KeptConversation, Mention, Reference } from './protocol.ts';
import { isServed, type Server } from './server.ts';

/** Sends a conversation, which the server keeps with its answer. */
export async function askChat(
  client: LanguageClient,
  messages: ChatMessage[],
  onPiece: (text: string) => void,
  onProgress: (text: string) => void,
  cancel: vscode.CancellationToken,
): Promise<ChatResult> {
  const params = { messages, keep: true, ...whereTheUserIs(client, true) };
  return requestInPieces<ChatResult>(client, 'midspan/chat', params, onPiece, cancel, onProgress);
}

/** Returns the turns of the conversation that is kept for the workspace. */
export async function keptTurns(server: Server): Promise<Turn[]> {
  const client = await server.running();
  const params = { action: 'get', ...whereTheUserIs(client) };
  const { messages } = await client.sendRequest<KeptConversation>('midspan/conversation', params);
  return messages.flatMap(({ role, content, references, used }) =>
    role === 'user' || role === 'assistant'
      ? [{ role, content, references: (references ?? []).map(named), ...(used && { used }) }]
      : [],
  );
}

export async function forgetConversation(server: Server): Promise<void> {
  const client = await server.running();
  await client.sendRequest('midspan/conversation', { action: 'clear', ...whereTheUserIs(client) });
}

/** Returns the files, folders and definitions that the text behind "@" may mean. */
export async function findMentions(server: Server, query: string): Promise<Mention[]> {
  const client = await server.running();
  const params = { query, ...whereTheUserIs(client) };
  return (await client.sendRequest<{ items: Mention[] }>('midspan/chatReferences', params)).items;
}

function whereTheUserIs(client: LanguageClient, withSelection = false): object {
  const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors.at(0);
  if (!editor || !isServed(editor.document)) {
    return {};
  }
  const convert = client.code2ProtocolConverter;
  const textDocument = { uri: convert.asUri(editor.document.uri) };
  return withSelection ? { textDocument, selection: convert.asRange(editor.selection) } : { textDocument };
}

function named(reference: Reference): NamedReference {
  const { uri, range } = reference;
  const name = range ? describe({ uri, range }) : vscode.workspace.asRelativePath(vscode.Uri.parse(uri));
  return { name, uri, ...(range && { range }) };
}

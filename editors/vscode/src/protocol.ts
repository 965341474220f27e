// The types of the protocol beyond LSP.
import type { Diagnostic, Range, TextEdit, VersionedTextDocumentIdentifier } from 'vscode-languageclient/node';

export interface ModelState {
  state: 'ready' | 'loading' | 'off' | 'error' | 'idle' | 'none';
  reason: string | null;
  model: string;
}

/** The result of midspan/status, and the parameters of midspan/statusChanged. Another version of the program may send fewer members. */
export interface Status {
  completion?: ModelState;
  chat?: ModelState;
  busy?: number;
}

export interface Reference {
  uri: string;
  range?: Range;
}

export interface ChatMessage {
  role: 'user' | 'assistant';
  content: string;
  references?: Reference[];
}

export interface ChatResult {
  text: string;
  model: string;
  finish_reason: string;
  dropped_messages: number;
  used?: UsedPart[];
  /** The mentions that name nothing in the workspace. */
  unknown?: string[];
}

/** Lines of a file that the prompt showed for a question. Lines count from 0, `lastLine` included. */
export interface UsedPart {
  path: string;
  uri: string;
  firstLine: number;
  lastLine: number;
  kind: string;
  why: string;
}

/** The result of midspan/conversation. */
export interface KeptConversation {
  messages: { role: string; content: string; references?: Reference[]; used?: UsedPart[] }[];
}

/** An item of midspan/chatReferences. `insert` stands for the text from "@" to the cursor. */
export interface Mention {
  kind: 'file' | 'folder' | 'symbol';
  name: string;
  path: string;
  line?: number;
  insert: string;
}

export type AnswerKind = 'explain' | 'review' | 'tests' | 'fix';

export interface AnswerParams {
  textDocument: VersionedTextDocumentIdentifier;
  range: Range;
  kind: AnswerKind;
  diagnostics?: Diagnostic[];
}

export interface EditParams {
  textDocument: VersionedTextDocumentIdentifier;
  version: number;
  range: Range;
  instruction: string;
}

/** The forms of LSP's WorkspaceEdit that the server uses. */
export interface WireWorkspaceEdit {
  changes?: Record<string, TextEdit[]>;
  documentChanges?: (WireDocumentEdit | WireFileOperation)[];
  changeAnnotations?: Record<string, { description?: string; needsConfirmation?: boolean }>;
}

export interface WireDocumentEdit {
  textDocument: { uri: string; version: number | null };
  edits: TextEdit[];
}

export interface WireFileOperation {
  kind: 'create' | 'rename' | 'delete';
  uri?: string;
}

/** The result of midspan/edit, and of midspan/answer for an edit. */
export interface EditResult {
  edit: WireWorkspaceEdit;
  text: string;
  model?: string;
}

export interface TextResult {
  text: string;
}

/** An edit in the result of midspan/nextEdit. The version is null for a file that is not open. */
export interface NextEdit {
  text: string;
  why?: string;
  textDocument: { uri: string; version: number | null };
  range: Range;
  command: { title: string; command: string; arguments?: unknown[] };
}

export interface NextEditResult {
  edits: NextEdit[];
}

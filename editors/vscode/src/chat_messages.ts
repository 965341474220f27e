// The messages between the chat's page and the extension.
import type { NamedReference, Turn } from './conversation.ts';
import type { Mention } from './protocol.ts';
import type { TokenColors } from './token_colors.ts';

export interface ChatState {
  type: 'state';
  turns: Turn[];
  /** The references of the next question. */
  references: NamedReference[];
  isAnswering: boolean;
  /** The progress of the answer in words, until its first piece. */
  progress: string;
}

export type ToPage =
  | ChatState
  | { type: 'piece' | 'progress'; text: string }
  | { type: 'focus' }
  | { type: 'colors'; colors: TokenColors }
  | { type: 'mentions'; query: string; items: Mention[] };

export type FromPage =
  | { type: 'ready' | 'stop' | 'addSelection' | 'addFile' | 'selectModel' }
  | { type: 'ask'; text: string }
  | { type: 'findMentions'; query: string }
  | { type: 'openUsed'; turn: number; index: number }
  | { type: 'removeReference'; index: number }
  | { type: 'insert' | 'copy'; code: string }
  | { type: 'diff'; code: string; turn: number };

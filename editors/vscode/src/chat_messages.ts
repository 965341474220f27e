// The messages between the chat's page and the extension.
import type { NamedReference, Turn } from './conversation.ts';
import type { TokenColors } from './token_colors.ts';

export interface ChatState {
  type: 'state';
  turns: Turn[];
  /** The references of the next question. */
  references: NamedReference[];
  isAnswering: boolean;
}

export type ToPage = ChatState | { type: 'piece'; text: string } | { type: 'focus' } | { type: 'colors'; colors: TokenColors };

export type FromPage =
  | { type: 'ready' | 'stop' | 'addSelection' | 'addFile' | 'selectModel' }
  | { type: 'ask'; text: string }
  | { type: 'removeReference'; index: number }
  | { type: 'insert' | 'copy'; code: string }
  | { type: 'diff'; code: string; turn: number };

// What the chat's page and the extension say to each other.
import type { NamedReference, Turn } from './conversation.ts';

export interface ChatState {
  type: 'state';
  turns: Turn[];
  /** What the next question will refer to. */
  references: NamedReference[];
  isAnswering: boolean;
}

export type ToPage = ChatState | { type: 'piece'; text: string } | { type: 'focus' };

export type FromPage =
  | { type: 'ready' | 'stop' | 'addSelection' | 'addFile' | 'selectModel' }
  | { type: 'ask'; text: string }
  | { type: 'removeReference'; index: number }
  | { type: 'insert' | 'copy'; code: string }
  | { type: 'diff'; code: string; turn: number };

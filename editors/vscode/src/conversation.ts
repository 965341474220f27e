// The turns of the chat, and the messages that the model gets of them.
import type { ChatMessage, Reference, UsedPart } from './protocol.ts';

/** A reference with its name for the user. */
export interface NamedReference extends Reference {
  name: string;
}

export interface Turn {
  role: 'user' | 'assistant' | 'error';
  content: string;
  references?: NamedReference[];
  /** The reason why an answer was cut off, if it was. */
  note?: string;
  /** The parts of files that an answer was given. */
  used?: UsedPart[];
  /** Whether another chat model mends an error. */
  needsModel?: boolean;
}

/** An answer as a request returns it. */
export interface Answer {
  text: string;
  note?: string | undefined;
  used?: UsedPart[] | undefined;
}

export class Conversation {
  readonly turns: Turn[];
  isAnswering = false;
  /** The progress of the answer in words, until its first piece. */
  progress = '';

  constructor(turns: Turn[] = []) {
    this.turns = turns;
  }

  ask(content: string, references: NamedReference[]): void {
    this.turns.push({ role: 'user', content, references }, { role: 'assistant', content: '' });
    this.isAnswering = true;
    this.progress = '';
  }

  /** Appends a piece of the answer. */
  add(piece: string): void {
    const turn = this.#answer();
    if (turn) {
      turn.content += piece;
    }
  }

  /** Sets the whole answer. */
  finish({ text, note, used }: Answer): void {
    const turn = this.#answer();
    if (turn) {
      turn.content = text;
      this.#note(turn, note);
      if (used?.length) {
        turn.used = used;
      }
    }
    this.isAnswering = false;
  }

  /** Ends the answer that the user has stopped; its text stays. */
  stop(): void {
    const turn = this.#answer();
    if (turn) {
      this.#note(turn, 'Stopped.');
    }
    this.isAnswering = false;
  }

  fail(problem: string, needsModel = false): void {
    if (this.#answer()) {
      this.turns.pop();
      this.turns.push({ role: 'error', content: problem, needsModel });
    }
    this.isAnswering = false;
  }

  /** Takes away the error that stands at the end, because it is mended. */
  forgetError(): void {
    if (this.turns.at(-1)?.role === 'error') {
      this.turns.pop();
    }
  }

  /** Returns the messages for the model: the last question, and all earlier ones that have an answer. */
  messages(): ChatMessage[] {
    return this.turns.flatMap((turn, index) => {
      if (turn.role === 'error' || turn.content === '') {
        return [];
      }
      const next = this.turns[index + 1];
      const isLast = index >= this.turns.length - 2;
      if (turn.role === 'user' && !isLast && (next?.role !== 'assistant' || next.content === '')) {
        return [];
      }
      return [asMessage(turn.role, turn)];
    });
  }

  #answer(): Turn | undefined {
    const last = this.turns.at(-1);
    return this.isAnswering && last?.role === 'assistant' ? last : undefined;
  }

  #note(turn: Turn, note: string | undefined): void {
    if (note !== undefined) {
      turn.note = note;
    }
  }
}

function asMessage(role: ChatMessage['role'], turn: Turn): ChatMessage {
  const references = (turn.references ?? []).map(({ uri, range }) => ({ uri, ...(range && { range }) }));
  return { role, content: turn.content, ...(references.length && { references }) };
}

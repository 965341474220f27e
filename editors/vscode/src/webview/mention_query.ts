// Finds what is being typed behind "@", and the commands of the chat.

/** A text that ends with "@" and the letters behind it, where a word begins. */
const MENTION = /(?:^|[^\w@/.\\])@((?:(?:file|folder|symbol):)?(?:"[^"\n]*|[\w./\\#$~+-]*))$/;

export interface Typed {
  query: string;
  /** The position of the "@". */
  start: number;
}

/** Returns what is typed behind the "@" before the cursor, or undefined. */
export function mentionAt(text: string, cursor: number): Typed | undefined {
  const query = MENTION.exec(text.slice(0, cursor))?.[1];
  return query === undefined ? undefined : { query, start: cursor - query.length - 1 };
}

/** Returns whether the text is the beginning of a command. */
export function beginsCommand(text: string): boolean {
  return text.startsWith('/') && '/clear'.startsWith(text);
}

import { EventEmitter } from "node:events";

export namespace shelf {
  /**
   * A book, as the catalogue knows it.
   *
   * The number is the catalogue's own.
   */
  export interface Book {
    number: number;
    title: string;
    lent?: { to: string; until: Date };
  }

  export type Reason = "lent" | "lost" | "unknown";

  export const find = (books: readonly Book[], number: number): Book | undefined => {
    for (const book of books) {
      if (book.number === number) {
        return book;
      }
    }
    return undefined;
  };

  export const titles = (books: readonly Book[]): string[] => {
    return books.map((book) => book.title);
  };

  export function why(books: readonly Book[], number: number): Reason | null {
    const book = find(books, number);
    if (!book) {
      return "unknown";
    } else if (book.lent && book.lent.until < new Date()) {
      return "lost";
    } else {
      return book.lent ? "lent" : null;
    }
  }
}

const GREETING = `
  Welcome to the shelf.
  ${new Date().toISOString()}
`;

/** Tells its listeners what happens to the books. */
export class Shelf extends EventEmitter {
  private readonly books = new Map<number, shelf.Book>();

  constructor(books: Iterable<shelf.Book> = []) {
    super();
    for (const book of books) {
      this.books.set(book.number, book);
    }
  }

  lend(number: number, to: string, days = 14): boolean {
    const book = this.books.get(number);
    if (!book || book.lent) {
      this.emit("refused", { number, to });
      return false;
    }
    const until = new Date();
    until.setDate(until.getDate() + days);
    this.books.set(number, { ...book, lent: { to, until } });
    this.emit("lent", number);
    return true;
  }

  async load(url: string): Promise<void> {
    try {
      const answer = await fetch(url);
      const rows = (await answer.json()) as shelf.Book[];
      rows
        .filter((row) => row.title.length > 0)
        .forEach((row) => {
          this.books.set(row.number, row);
        });
    } catch (error) {
      this.emit("error", error);
    } finally {
      this.emit("loaded", this.books.size);
    }
  }
}

export const settings = {
  greeting: GREETING,
  days: { short: 7, long: 28 },
  colors: ["red", "green", "blue"],
  onError: (error: Error) => {
    console.error(`{${error.message}}`);
  },
};

// The lines that the server writes on stderr, for the log of the editor.

type Level = 'info' | 'warn' | 'error';

const LEVELS: Record<string, Level> = { DEBUG: 'info', INFO: 'info', WARNING: 'warn', ERROR: 'error', CRITICAL: 'error' };

/** Reads the lines of one server. The editor writes the time itself; midspan.log_level decides what is written. */
export class ServerLog {
  #level: Level = 'error'; // of what comes before logging begins

  /** Returns the level and the text of a line. A line of a traceback has the level of its message. */
  read(line: string): [Level, string] {
    const [, name = '', text] = /^\d{4}-\d\d-\d\d [\d:,]+ ([A-Z]+) (.*)$/.exec(line) ?? [];
    const level = LEVELS[name];
    if (level === undefined || text === undefined) {
      return [this.#level, line];
    }
    this.#level = level;
    return [level, text];
  }
}

// What uv and pip print, in words for the notifications of the editor.

const WORDS: [RegExp, (found: string) => string][] = [
  [/^\s*Collecting ([\w.-]+)/, (name) => `looking for ${name}`],
  [/^\s*Building (?:wheel for )?([\w.-]+)/, (name) => `building ${name}`],
  [/^Resolved (\d+) packages?/, (count) => `fetching ${packages(Number(count))}`],
  [/^Prepared (\d+) packages?/, (count) => `installing ${packages(Number(count))}`],
  [/^Installing collected packages: (.*)/, (names) => `installing ${packages(names.split(',').length)}`],
];
const UNITS = ['kB', 'KiB', 'MB', 'MiB', 'GB', 'GiB']; // from small to large

interface Download {
  name: string;
  amount: number;
  unit: string;
}

/** Reads the output of one command. */
export class OutputReader {
  /** What uv downloads at present: many files at a time. */
  #downloads: Download[] = [];

  /** Returns what a line says of the progress; undefined if it says nothing that a user wants to know. */
  read(line: string): string | undefined {
    const [, file, amount, unit = ''] = /^\s*Downloading (\S+).* \(([\d.]+) ?([kKMG]i?B)\)/.exec(line) ?? [];
    if (file !== undefined) {
      return this.#begin(file, Number(amount), unit);
    }
    const done = /^\s*Downloaded (\S+)/.exec(line)?.[1];
    if (done !== undefined) {
      this.#downloads = this.#downloads.filter(({ name }) => name !== done);
      return this.#largest();
    }
    for (const [pattern, words] of WORDS) {
      const found = pattern.exec(line)?.[1];
      if (found !== undefined) {
        return words(found);
      }
    }
    return undefined;
  }

  #begin(file: string, amount: number, unit: string): string | undefined {
    if (file.endsWith('.metadata')) {
      return undefined;
    }
    const name = /^([\w.]+?)-\d.*\.(?:whl|gz|zip)$/.exec(file.split('/').at(-1) ?? file)?.[1];
    this.#downloads = [...(name === undefined ? this.#downloads : []), { name: name ?? file, amount, unit }]; // pip's come in turn
    return this.#largest();
  }

  #largest(): string | undefined {
    const rank = ({ amount, unit }: Download) => UNITS.indexOf(unit) * 1e4 + amount;
    const [first, ...others] = this.#downloads.toSorted((one, other) => rank(other) - rank(one));
    const more = others.length > 0 ? ` and ${others.length} more` : '';
    return first && `downloading ${first.name} (${first.amount} ${first.unit})${more}`;
  }
}

/** Returns why a command failed: pip's last error, else all of uv's, else the last line. */
export function failureWords(lines: readonly string[]): string {
  const ofPip = lines.findLast((line) => line.startsWith('ERROR: '))?.slice('ERROR: '.length);
  const start = lines.findLastIndex((line) => /^\s*(×|error:)/.test(line)); // -1 is the last line for slice
  const ofUv = lines
    .slice(start)
    .join(' ')
    .replace(/\bhint: .*/, '')
    .replace(/^\s*error: |[│╰─▶×]/g, ' ')
    .replace(/ +cause(d by)?: /gi, ': ');
  return (ofPip ?? ofUv).replace(/\s+/g, ' ').trim();
}

function packages(count: number): string {
  return count === 1 ? '1 package' : `${count} packages`;
}

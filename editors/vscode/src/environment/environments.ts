// The private environments in the extension's folder on this machine, which all windows share.
import * as fs from 'node:fs';
import { readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programOf } from './install_steps.ts';

/** What NAME.json says of the whole environment in the folder NAME. A folder without it is half made. */
export interface Content {
  /** The version of the extension that made it. */
  version: string;
  /** What was installed. */
  requirement: string;
}

export interface Environment extends Content {
  folder: string;
  /** The path of `midspan` in it. */
  program: string;
}

/** A half-made environment. Its folder is there when the first step has made it. */
export interface Begun {
  folder: string;
  finish: (content: Content) => Promise<void>;
  discard: () => Promise<void>;
}

const BEAT_MS = 5000;
const STALE_MS = 12 * BEAT_MS;
const RECORD = '.json';
const LOCK = '.installing';
const WRITING = '.writing';
const REMOVING = { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }; // Windows frees files late

export class Environments {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    fs.mkdirSync(folder, { recursive: true });
  }

  /** Returns the environment that was made last. */
  current(): Environment | undefined {
    const records = fs.readdirSync(this.folder).filter((name) => name.endsWith(RECORD));
    return records
      .flatMap((name) => this.#read(name) ?? [])
      .sort((one, other) => other.madeMs - one.madeMs)
      .at(0);
  }

  /** Begins a new environment beside those that are there. Throws if another window is making one. */
  async begin(version: string): Promise<Begun> {
    await this.removeAllBut(this.current());
    if ((await readdir(this.folder)).some((name) => name.endsWith(LOCK))) {
      throw new Error('Another window is installing Midspan already.');
    }
    const folder = join(this.folder, `${version}-${Date.now().toString(36)}`);
    const lock = `${folder}${LOCK}`;
    await writeFile(lock, '');
    const beat = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), BEAT_MS);
    const unlock = async () => {
      clearInterval(beat);
      await rm(lock, { force: true });
    };
    return {
      folder,
      finish: async (content) => {
        await writeFile(`${folder}${RECORD}${WRITING}`, JSON.stringify(content));
        await rename(`${folder}${RECORD}${WRITING}`, `${folder}${RECORD}`); // other windows read it as soon as it is there
        await unlock();
      },
      discard: async () => {
        try {
          await rm(folder, REMOVING);
        } finally {
          await unlock();
        }
      },
    };
  }

  /** Removes environments but this one, and what a killed installation has left. */
  async removeAllBut(kept?: Environment): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const folder = join(this.folder, name.replace(/\.(json|installing)$/, ''));
      if (folder !== kept?.folder && !isBeingMade(folder)) {
        await rm(`${folder}${RECORD}`, { force: true });
        await rm(folder, REMOVING);
        await rm(`${folder}${LOCK}`, { force: true });
      }
    }
  }

  #read(record: string): (Environment & { madeMs: number }) | undefined {
    const folder = join(this.folder, record.slice(0, -RECORD.length));
    const program = programOf(folder, 'midspan', process.platform);
    try {
      const file = join(this.folder, record);
      const content = JSON.parse(fs.readFileSync(file, 'utf8')) as Content;
      return fs.existsSync(program) ? { ...content, folder, program, madeMs: fs.statSync(file).mtimeMs } : undefined;
    } catch {
      return undefined; // another window has removed it meanwhile
    }
  }
}

/** Returns whether a window is making it now. */
function isBeingMade(folder: string): boolean {
  const lock = fs.statSync(`${folder}${LOCK}`, { throwIfNoEntry: false });
  return lock !== undefined && Date.now() - lock.mtimeMs < STALE_MS;
}

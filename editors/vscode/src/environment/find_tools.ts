// Finds what can make an environment: uv, else a Python that is new enough.
import { posix, win32 } from 'node:path';

export interface Machine {
  platform: NodeJS.Platform;
  /** The value of PATH. */
  searchPath: string;
  home: string;
  isProgram: (file: string) => boolean;
  /** Runs a command and returns its output; undefined if it cannot be run, or fails. */
  output: (command: string[]) => Promise<string | undefined>;
}

/** A way to make an environment. `command` starts it. */
export interface Tool {
  kind: 'uv' | 'python';
  command: string[];
  version: string;
}

const OLDEST_MINOR = 11;
const NEWEST_MINOR = 19;

const PROBE = [
  'import json, sys',
  'try: import ensurepip, venv; has_venv = True',
  'except ImportError: has_venv = False',
  'print(json.dumps([sys.version_info[0], sys.version_info[1], sys.maxsize > 2**32, has_venv]))',
].join('\n');

/** Returns uv, else the newest Python that will do. Throws an error that says what to install. */
export async function findTool(machine: Machine): Promise<Tool> {
  const uv = firstProgram(machine, 'uv');
  const version = uv === undefined ? undefined : await machine.output([uv, '--version']);
  if (uv !== undefined && version !== undefined) {
    return { kind: 'uv', command: [uv], version: /\d+(\.\d+)+/.exec(version)?.[0] ?? '' };
  }
  const found = await Promise.all(pythonCommands(machine).map((command) => probe(machine, command)));
  const pythons = found.filter((python) => python !== undefined).sort((one, other) => other.minor - one.minor);
  const usable = pythons.find((python) => python.minor >= OLDEST_MINOR && python.is64Bit && python.hasVenv);
  if (!usable) {
    throw new Error(whatToInstall(machine.platform, pythons[0]));
  }
  return { kind: 'python', command: usable.command, version: `3.${usable.minor}` };
}

interface Python {
  command: string[];
  minor: number;
  is64Bit: boolean;
  hasVenv: boolean;
}

async function probe(machine: Machine, command: string[]): Promise<Python | undefined> {
  const [major, minor, is64Bit, hasVenv] = parse(await machine.output([...command, '-c', PROBE]));
  return major === 3 && typeof minor === 'number'
    ? { command, minor, is64Bit: is64Bit === true, hasVenv: hasVenv === true }
    : undefined;
}

function parse(text: string | undefined): unknown[] {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function pythonCommands(machine: Machine): string[][] {
  if (machine.platform === 'win32') {
    return [['py', '-3'], ['python'], ['python3']].flatMap(([name = '', ...rest]) => {
      const program = firstProgram(machine, name);
      return program === undefined ? [] : [[program, ...rest]];
    });
  }
  const minors = Array.from({ length: NEWEST_MINOR - OLDEST_MINOR + 1 }, (_, step) => NEWEST_MINOR - step);
  const names = ['python3', ...minors.map((minor) => `python3.${minor}`)];
  return names.map((name) => firstProgram(machine, name)).flatMap((program) => (program === undefined ? [] : [[program]]));
}

function firstProgram({ platform, searchPath, home, isProgram }: Machine, name: string): string | undefined {
  const path = platform === 'win32' ? win32 : posix;
  // Without Xcode, a Mac's own python3 opens a window that offers to install Xcode; with it, it is Python 3.9.
  const isStub = (folder: string) => platform === 'darwin' && folder === '/usr/bin' && name.startsWith('python');
  // Where uv and Homebrew install to; a server for remote windows often has a shorter PATH than a terminal.
  const more = [path.join(home, '.local', 'bin'), path.join(home, '.cargo', 'bin')];
  const ofHomebrew = platform === 'win32' ? [] : ['/opt/homebrew/bin', '/usr/local/bin'];
  return [...searchPath.split(path.delimiter), ...more, ...ofHomebrew]
    .filter((folder) => path.isAbsolute(folder) && !isStub(folder))
    .map((folder) => path.join(folder, platform === 'win32' ? `${name}.exe` : name))
    .find(isProgram);
}

function whatToInstall(platform: NodeJS.Platform, newest: Python | undefined): string {
  if (platform === 'linux' && newest && newest.minor >= OLDEST_MINOR && !newest.hasVenv) {
    return `Python 3.${newest.minor} is here without its module venv. Install uv, or 'sudo apt install python3-venv'.`;
  }
  const found = newest ? `, and Python 3.${newest.minor} ${newest.is64Bit ? 'is too old' : 'of 32 bits does not do'}` : '';
  const command =
    platform === 'win32' ? 'winget install astral-sh.uv' : platform === 'darwin' ? 'brew install uv' : 'pipx install uv';
  return `To install Midspan, this machine needs uv or Python 3.${OLDEST_MINOR} or newer${found}. For example: '${command}'.`;
}

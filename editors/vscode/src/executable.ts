// Where the program `midspan` is.
import { posix, win32 } from 'node:path';

export interface Surroundings {
  /** The setting midspan.path. */
  setting: string;
  /** The variable PATH. */
  searchPath: string;
  /** The variable VIRTUAL_ENV. */
  virtualEnvironment: string | undefined;
  /** The roots of the workspace; none of one that the user does not trust. */
  folders: readonly string[];
  home: string;
  isWindows: boolean;
  isProgram: (file: string) => boolean;
}

export interface Found {
  program: string;
}

export interface Missing {
  /** In words, what was looked at. */
  problem: string;
}

const ENVIRONMENTS = ['.venv', 'venv', 'env'];

/** The setting, then the PATH, then virtual environments: the active one and those of the workspace. */
export function findMidspan(around: Surroundings): Found | Missing {
  const path = around.isWindows ? win32 : posix;
  const name = around.isWindows ? 'midspan.exe' : 'midspan';
  if (around.setting) {
    const program = around.setting.replace(/^~(?=[/\\])/, around.home);
    return around.isProgram(program)
      ? { program }
      : { problem: `midspan.path is ${around.setting}, and there is no program there.` };
  }
  const scripts = around.isWindows ? 'Scripts' : 'bin';
  const environments = [
    ...(around.virtualEnvironment ? [around.virtualEnvironment] : []),
    ...around.folders.flatMap((folder) => ENVIRONMENTS.map((environment) => path.join(folder, environment))),
  ];
  const candidates = [
    ...around.searchPath.split(path.delimiter).filter((folder) => path.isAbsolute(folder)),
    ...environments.map((environment) => path.join(environment, scripts)),
  ].map((folder) => path.join(folder, name));
  const program = candidates.find(around.isProgram);
  return program
    ? { program }
    : { problem: 'The program midspan is neither on the PATH nor in a virtual environment of this workspace.' };
}

// Finds the program `midspan`.
import { posix, win32 } from 'node:path';

export interface SearchContext {
  /** The value of the setting midspan.path. */
  setting: string;
  /** The value of PATH. */
  searchPath: string;
  /** The value of VIRTUAL_ENV. */
  virtualEnvironment: string | undefined;
  /** The roots of the workspace; empty if the user does not trust it. */
  folders: readonly string[];
  home: string;
  isWindows: boolean;
  isProgram: (file: string) => boolean;
}

export interface Found {
  program: string;
}

export interface Missing {
  /** The problem, for the user. */
  problem: string;
}

const ENVIRONMENTS = ['.venv', 'venv', 'env'];

/** Looks at the setting, then the PATH, then virtual environments: the active one and those of the workspace. */
export function findMidspan(context: SearchContext): Found | Missing {
  const path = context.isWindows ? win32 : posix;
  const name = context.isWindows ? 'midspan.exe' : 'midspan';
  if (context.setting) {
    const program = context.setting.replace(/^~(?=[/\\])/, context.home);
    return context.isProgram(program)
      ? { program }
      : { problem: `midspan.path is ${context.setting}, and there is no program there.` };
  }
  const scripts = context.isWindows ? 'Scripts' : 'bin';
  const environments = [
    ...(context.virtualEnvironment ? [context.virtualEnvironment] : []),
    ...context.folders.flatMap((folder) => ENVIRONMENTS.map((environment) => path.join(folder, environment))),
  ];
  const candidates = [
    ...context.searchPath.split(path.delimiter).filter((folder) => path.isAbsolute(folder)),
    ...environments.map((environment) => path.join(environment, scripts)),
  ].map((folder) => path.join(folder, name));
  const program = candidates.find(context.isProgram);
  return program
    ? { program }
    : { problem: 'The program midspan is neither on the PATH nor in a virtual environment of this workspace.' };
}

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
  /** The program of the extension's private environment. */
  privateProgram: string | undefined;
  isProgram: (file: string) => boolean;
}

export interface Found {
  program: string;
}

export interface Missing {
  /** The problem, for the user. */
  problem: string;
  /** Whether a private environment would be used: no setting names another program. */
  canInstall: boolean;
}

const ENVIRONMENTS = ['.venv', 'venv', 'env'];

/**
 * Looks at the setting, then the PATH and where uv and pipx put programs, then virtual environments: the active one, those
 * of the workspace, and at last the extension's own.
 */
export function findMidspan(context: SearchContext): Found | Missing {
  const path = context.isWindows ? win32 : posix;
  const name = context.isWindows ? 'midspan.exe' : 'midspan';
  if (context.setting) {
    const program = context.setting.replace(/^~(?=[/\\])/, context.home);
    return context.isProgram(program)
      ? { program }
      : { problem: `midspan.path is ${context.setting}, and there is no program there.`, canInstall: false };
  }
  const scripts = context.isWindows ? 'Scripts' : 'bin';
  const environments = [
    ...(context.virtualEnvironment ? [context.virtualEnvironment] : []),
    ...context.folders.flatMap((folder) => ENVIRONMENTS.map((environment) => path.join(folder, environment))),
  ];
  const folders = [
    ...context.searchPath.split(path.delimiter).filter((folder) => path.isAbsolute(folder)),
    path.join(context.home, '.local', 'bin'),
    ...environments.map((environment) => path.join(environment, scripts)),
  ];
  const candidates = [...folders.map((folder) => path.join(folder, name)), context.privateProgram ?? ''];
  const program = candidates.find((file) => file && context.isProgram(file));
  return program
    ? { program }
    : {
        problem: 'The program midspan is neither on the PATH nor in a virtual environment of this workspace.',
        canInstall: true,
      };
}

// The commands that make an environment and install Midspan into it.
import { posix, win32 } from 'node:path';
import type { Tool } from './find_tools.ts';

/** The settings of the machine under midspan.install. */
export interface InstallSettings {
  /** What to install; if empty, Midspan in the extension's version. */
  requirement: string;
  /** Further arguments of `uv pip install` or `pip install`. */
  arguments: readonly string[];
}

export interface Step {
  /** What the step does, for the user. */
  words: string;
  command: string[];
}

export type Variables = Record<string, string | undefined>;

const PIP_OPTIONS = ['--no-input', '--disable-pip-version-check', '--progress-bar', 'off'];
// Variables that would have an environment's Python import from elsewhere, or have pip install elsewhere.
const MISLEADING = ['PYTHONHOME', 'PYTHONPATH', 'PIP_USER', 'PIP_TARGET', 'PIP_PREFIX', 'VIRTUAL_ENV'];

/** Returns the path of a program of an environment. */
export function programOf(folder: string, name: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? win32.join(folder, 'Scripts', `${name}.exe`) : posix.join(folder, 'bin', name);
}

/** Returns what to install. */
export function requirementOf({ requirement }: InstallSettings, version: string, home: string): string {
  return requirement.trim().replace(/^~(?=[/\\])/, home) || `midspan==${version}`;
}

/** Returns the step that makes the environment. uv fetches a Python if this machine has none that is new enough. */
export function makeStep({ kind, command, version }: Tool, folder: string): Step {
  return kind === 'uv'
    ? { words: 'making an environment with uv', command: [...command, 'venv', '--python', '>=3.11', folder] }
    : { words: `making an environment with Python ${version}`, command: [...command, '-m', 'venv', folder] };
}

/** Returns the command that prints the configuration of an environment's pip. */
export function pipConfiguration(python: string): string[] {
  return [python, '-m', 'pip', 'config', 'list'];
}

/**
 * Returns the steps that install into the environment. uv takes the torch that fits this machine, where pip on Linux
 * takes 3 GB of CUDA, so without a uv of the user's the environment gets one. Where the user has pip install from
 * somewhere of their own, `pipConfigured` or by the setting, pip does it, because uv reads no configuration of pip.
 */
export function installSteps(
  tool: Tool,
  python: string,
  requirement: string,
  { arguments: further }: InstallSettings,
  pipConfigured: string,
): Step[] {
  const words = 'looking for the packages';
  const withUv = (uv: string[]): Step => ({
    words,
    command: [...uv, 'pip', 'install', '--python', python, ...further, requirement],
  });
  if (tool.kind === 'uv') {
    return [withUv(tool.command)];
  }
  const pip = [python, '-m', 'pip', 'install', ...PIP_OPTIONS];
  if (further.length > 0 || /index|find-links/.test(pipConfigured)) {
    return [{ words, command: [...pip, ...further, requirement] }];
  }
  return [{ words: 'fetching uv', command: [...pip, 'uv'] }, withUv([python, '-m', 'uv'])];
}

/** Returns the environment variables of the steps. */
export function stepVariables(own: Variables, { arguments: further }: InstallSettings): Variables {
  const kept = Object.entries(own).filter(([name]) => !MISLEADING.includes(name));
  const hasOwnSource = further.length > 0 || kept.some(([name]) => /^UV_(\w*INDEX\w*|FIND_LINKS|OFFLINE|TORCH_BACKEND)$/.test(name));
  return {
    ...Object.fromEntries(kept),
    ...(hasOwnSource ? {} : { UV_TORCH_BACKEND: 'auto' }), // the CPU's torch where there is no GPU
    UV_NO_PROGRESS: '1',
    NO_COLOR: '1',
    PYTHONUTF8: '1',
    PYTHONUNBUFFERED: '1',
  };
}

// Where programs are on this machine.
import * as fs from 'node:fs';

export function searchPath(): string {
  return process.env.PATH ?? '';
}

export function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

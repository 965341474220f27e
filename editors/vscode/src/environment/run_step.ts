// Runs a command, whose processes all end when it is cancelled.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Variables } from './install_steps.ts';
import { failureWords } from './output_words.ts';

const GRACE_MS = 3000;
const KEPT_LINES = 40;

export interface Surroundings {
  cwd: string;
  env: Variables;
  onLine: (line: string) => void;
  signal: AbortSignal;
}

/** Runs a command to its end. Throws what it said if it fails; a cancelled one is over when this returns. */
export async function runStep([program = '', ...words]: string[], { cwd, env, onLine, signal }: Surroundings): Promise<void> {
  signal.throwIfAborted();
  const isWindows = process.platform === 'win32';
  // A group of its own, which is ended as a whole: pip and uv start programs that build and that ask an index.
  const child = spawn(program, words, {
    cwd,
    env,
    detached: !isWindows,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      lines.splice(0, lines.length - KEPT_LINES);
      onLine(line);
    });
  }
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    endTree(child, 'SIGTERM');
    timer = setTimeout(() => endTree(child, 'SIGKILL'), GRACE_MS);
  };
  signal.addEventListener('abort', stop);
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
    signal.throwIfAborted();
    if (code !== 0) {
      throw new Error(failureWords(lines) || `${program} ended with the status ${code}.`);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    clearTimeout(timer);
    if (signal.aborted) {
      endTree(child, 'SIGKILL'); // a program that outlives the one that started it
    }
  }
}

function endTree(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) {
    return;
  }
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(child.pid), '/t', '/f'], { windowsHide: true, stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runStep } from '../src/environment/run_step.ts';

const NODE = process.execPath;

async function run(program: string, stop = new AbortController(), onLine: (line: string) => void = () => undefined) {
  await runStep([NODE, '-e', program], { cwd: '/', env: process.env, onLine, signal: stop.signal });
}

test('lines of both streams are told, and a failure says the last', async () => {
  const lines: string[] = [];
  const program = "console.log('one'); console.error('two'); process.exitCode = 3";
  await assert.rejects(run(program, undefined, (line) => lines.push(line)), /one|two/);
  assert.deepEqual(lines.sort(), ['one', 'two']);
  await assert.rejects(run('process.exitCode = 3'), /ended with the status 3/);
});

test('a cancelled command ends with what it has started', { timeout: 20_000 }, async () => {
  const stop = new AbortController();
  // The second program holds the stream for a minute, and the command is over when nobody holds it.
  const program = `
    require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => 0, 60000)'], { stdio: 'inherit' });
    console.log('started');
    setTimeout(() => 0, 60000);`;
  await assert.rejects(run(program, stop, () => stop.abort()), { name: 'AbortError' });
});

test('a command that is cancelled before it begins is not run', async () => {
  const lines: string[] = [];
  const stop = new AbortController();
  stop.abort();
  await assert.rejects(run("console.log('ran')", stop, (line) => lines.push(line)), { name: 'AbortError' });
  assert.deepEqual(lines, []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findTool, type Machine } from '../src/environment/find_tools.ts';

/** A machine with these programs, and what each says when it is run. */
function machine(programs: Record<string, string>, platform: NodeJS.Platform = 'linux', searchPath = '/usr/bin:.'): Machine {
  return {
    platform,
    searchPath,
    home: platform === 'win32' ? 'C:\\Users\\Ada' : '/home/ada',
    isProgram: (file) => file in programs,
    output: ([program = '']) => Promise.resolve(programs[program]),
  };
}

const python = (minor: number, is64Bit = true, hasVenv = true) => JSON.stringify([3, minor, is64Bit, hasVenv]);

test('uv goes first, also where its installer puts it', async () => {
  const found = await findTool(machine({ '/usr/bin/python3': python(13), '/home/ada/.local/bin/uv': 'uv 0.9.1 (abc)\n' }));
  assert.deepEqual(found, { kind: 'uv', command: ['/home/ada/.local/bin/uv'], version: '0.9.1' });
});

test('a uv that does not run is no uv, and the newest Python makes the environment', async () => {
  const programs = { '/usr/bin/python3': python(11), '/usr/bin/python3.13': python(13), '/usr/bin/python3.12': '' };
  const found = await findTool(machine({ ...programs, '/usr/bin/python3.14': 'pyenv: no such command' }));
  assert.deepEqual(found, { kind: 'python', command: ['/usr/bin/python3.13'], version: '3.13' });
});

test('a program of a relative folder of the PATH, which may be a workspace, is not run', async () => {
  await assert.rejects(findTool(machine({ uv: 'uv 0.9.1', './uv': 'uv 0.9.1', python3: python(13) })), /needs uv or Python 3\.11/);
});

test('a Python without venv is passed over, and the message names its package', async () => {
  const bare = { '/usr/bin/python3': python(13, true, false) };
  await assert.rejects(findTool(machine(bare)), /sudo apt install python3-venv/);
  const found = await findTool(machine({ ...bare, '/usr/bin/python3.12': python(12) }));
  assert.equal(found.version, '3.12');
});

test('a Python that is too old, or of 32 bits, is named', async () => {
  await assert.rejects(findTool(machine({ '/usr/bin/python3': python(9) })), /Python 3\.9 is too old.*pipx install uv/);
  const windows = machine({ 'C:\\Py\\py.exe': python(13, false) }, 'win32', 'C:\\Py');
  await assert.rejects(findTool(windows), /3\.13 of 32 bits.*winget install/);
});

test('on Windows the launcher runs the newest Python', async () => {
  const found = await findTool(machine({ 'C:\\Py\\py.exe': python(12), 'C:\\Py\\python.exe': python(11) }, 'win32', 'C:\\Py'));
  assert.deepEqual(found.command, ['C:\\Py\\py.exe', '-3']);
});

test("a Mac's own python3, which may be a window that offers Xcode, is not run", async () => {
  const stub = { '/usr/bin/python3': python(13) };
  await assert.rejects(findTool(machine(stub, 'darwin')), /brew install uv/);
  const found = await findTool(machine({ ...stub, '/opt/homebrew/bin/python3': python(12) }, 'darwin'));
  assert.equal(found.version, '3.12');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMidspan, type SearchContext } from '../src/executable.ts';

const BARE: SearchContext = {
  setting: '',
  searchPath: '',
  virtualEnvironment: undefined,
  folders: [],
  home: '/home/ada',
  isWindows: false,
  privateProgram: undefined,
  isProgram: () => false,
};

function find(around: Partial<SearchContext>, ...programs: string[]) {
  return findMidspan({ ...BARE, ...around, isProgram: (file) => programs.includes(file) });
}

test('the setting goes first, and ~ is the home folder', () => {
  const found = find({ setting: '~/bin/midspan', searchPath: '/usr/bin' }, '/usr/bin/midspan', '/home/ada/bin/midspan');
  assert.deepEqual(found, { program: '/home/ada/bin/midspan' });
});

test('a setting that names nothing is an error, not a reason to take another program', () => {
  const found = find({ setting: '/opt/midspan', searchPath: '/usr/bin' }, '/usr/bin/midspan');
  assert.ok('problem' in found && found.problem.includes('/opt/midspan'));
});

test('the PATH goes before a virtual environment', () => {
  const around = { searchPath: '/bin:/usr/bin', folders: ['/shop'] };
  assert.deepEqual(find(around, '/usr/bin/midspan', '/shop/.venv/bin/midspan'), { program: '/usr/bin/midspan' });
  assert.deepEqual(find(around, '/shop/.venv/bin/midspan'), { program: '/shop/.venv/bin/midspan' });
});

test('the active environment goes before those of the workspace', () => {
  const around = { virtualEnvironment: '/envs/a', folders: ['/shop', '/till'] };
  assert.deepEqual(find(around, '/till/venv/bin/midspan', '/envs/a/bin/midspan'), { program: '/envs/a/bin/midspan' });
  assert.deepEqual(find(around, '/till/venv/bin/midspan'), { program: '/till/venv/bin/midspan' });
});

test('where uv and pipx put programs goes behind the PATH, and before environments', () => {
  const around = { searchPath: '/usr/bin', folders: ['/shop'] };
  const here = ['/home/ada/.local/bin/midspan', '/shop/.venv/bin/midspan'];
  assert.deepEqual(find(around, '/usr/bin/midspan', ...here), { program: '/usr/bin/midspan' });
  assert.deepEqual(find(around, ...here), { program: '/home/ada/.local/bin/midspan' });
});

test('the private environment goes last, and is not offered beside a setting', () => {
  const around = { privateProgram: '/storage/midspan', folders: ['/shop'] };
  assert.deepEqual(find(around, '/storage/midspan', '/shop/env/bin/midspan'), { program: '/shop/env/bin/midspan' });
  assert.deepEqual(find(around, '/storage/midspan'), { program: '/storage/midspan' });
  const bare = find(around);
  assert.ok('problem' in bare && bare.canInstall);
  const set = find({ ...around, setting: '/opt/midspan' }, '/storage/midspan');
  assert.ok('problem' in set && !set.canInstall);
});

test('a relative folder on the PATH, which would be one of the workspace, is skipped', () => {
  assert.ok('problem' in find({ searchPath: '.:bin' }, 'midspan', 'bin/midspan', './midspan'));
});

test('on Windows the program is an .exe, in Scripts', () => {
  const around = { isWindows: true, searchPath: 'C:\\Tools;D:\\More', folders: ['C:\\shop'] };
  assert.deepEqual(find(around, 'D:\\More\\midspan.exe'), { program: 'D:\\More\\midspan.exe' });
  assert.deepEqual(find(around, 'C:\\shop\\.venv\\Scripts\\midspan.exe'), {
    program: 'C:\\shop\\.venv\\Scripts\\midspan.exe',
  });
});

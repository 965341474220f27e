import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tool } from '../src/environment/find_tools.ts';
import { installSteps, makeStep, programOf, requirementOf, stepVariables } from '../src/environment/install_steps.ts';

const UV: Tool = { kind: 'uv', command: ['/bin/uv'], version: '0.9.1' };
const PY: Tool = { kind: 'python', command: ['py', '-3'], version: '3.12' };
const NOTHING_SET = { requirement: '', arguments: [] };
const MIRROR = { requirement: '', arguments: ['--index-url', 'https://packages.example.com'] };

const commands = (tool: Tool, settings = MIRROR, configured = '') =>
  installSteps(tool, '/env/bin/python', 'midspan==1', settings, configured).map(({ command }) => command.join(' '));

test('the extension installs its own version, or what the setting names', () => {
  assert.equal(requirementOf(NOTHING_SET, '1.2.0', '/home/ada'), 'midspan==1.2.0');
  assert.equal(requirementOf({ ...NOTHING_SET, requirement: ' ~/midspan.whl ' }, '1.2.0', '/home/ada'), '/home/ada/midspan.whl');
});

test('uv makes the environment and installs, with the arguments of the setting', () => {
  assert.deepEqual(makeStep(UV, '/env').command, ['/bin/uv', 'venv', '--python', '>=3.11', '/env']);
  assert.deepEqual(makeStep(PY, '/env').command, ['py', '-3', '-m', 'venv', '/env']);
  assert.deepEqual(commands(UV), [
    '/bin/uv pip install --python /env/bin/python --index-url https://packages.example.com midspan==1',
  ]);
});

test('without a uv the environment gets one, unless pip is to install from somewhere else', () => {
  const [first, second] = commands(PY, NOTHING_SET);
  assert.match(first ?? '', /^\/env\/bin\/python -m pip install .* uv$/);
  assert.equal(second, '/env/bin/python -m uv pip install --python /env/bin/python midspan==1');
  for (const only of [commands(PY, MIRROR), commands(PY, NOTHING_SET, "global.index-url='https://packages.example.com'")]) {
    assert.equal(only.length, 1);
    assert.match(only[0] ?? '', /^\/env\/bin\/python -m pip install .*midspan==1$/);
  }
});

test('torch is that of this machine, unless the user says where packages come from', () => {
  const backend = (own: Record<string, string>, settings = NOTHING_SET) => stepVariables(own, settings).UV_TORCH_BACKEND;
  assert.equal(backend({ PATH: '/bin' }), 'auto');
  assert.equal(backend({ UV_TORCH_BACKEND: 'cu130' }), 'cu130');
  assert.equal(backend({ UV_DEFAULT_INDEX: 'https://packages.example.com' }), undefined);
  assert.equal(backend({}, MIRROR as never), undefined);
});

test('variables that lead elsewhere are not passed on', () => {
  const variables = stepVariables({ PYTHONPATH: '/src', PIP_USER: '1', VIRTUAL_ENV: '/venv', HTTPS_PROXY: 'proxy' }, NOTHING_SET);
  assert.equal(variables.HTTPS_PROXY, 'proxy');
  assert.deepEqual(Object.keys(variables).filter((name) => ['PYTHONPATH', 'PIP_USER', 'VIRTUAL_ENV'].includes(name)), []);
});

test('programs of an environment', () => {
  assert.equal(programOf('/env', 'midspan', 'linux'), '/env/bin/midspan');
  assert.equal(programOf('C:\\env', 'midspan', 'win32'), 'C:\\env\\Scripts\\midspan.exe');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectOptions, serverSettings, type Inspected } from '../src/options.ts';

test('the settings about the program are not told to the program', () => {
  const own = ['midspan.path', 'midspan.install.requirement', 'midspan.install.arguments'];
  const ofMachine = Object.fromEntries(own.map((name) => [name, { scope: 'machine' }]));
  const properties = { ...ofMachine, 'midspan.completion.model': { scope: 'machine' } };
  assert.deepEqual(serverSettings(properties), [{ name: 'completion.model', isUsersOwn: true }]);
});

test('only set values are sent, and the nearest level decides', () => {
  const said: Record<string, Inspected> = {
    'completion.enabled': { globalValue: true, workspaceValue: false },
    'completion.quant': { globalValue: 'int8' },
    'chat.quant': {},
    'chat.model': { globalValue: '' },
  };
  const settings = [...Object.keys(said), 'log_level'].map((name) => ({ name, isUsersOwn: false }));
  assert.deepEqual(
    collectOptions(settings, (name) => said[name]),
    { 'completion.enabled': false, 'completion.quant': 'int8' },
  );
});

test('a folder decides no setting that is the users own', () => {
  const said: Record<string, Inspected> = {
    'completion.model': { globalValue: 'lite', workspaceValue: 'remote:http://evil' },
    'chat.model': { workspaceFolderValue: 'remote:http://evil' },
  };
  const settings = Object.keys(said).map((name) => ({ name, isUsersOwn: true }));
  assert.deepEqual(
    collectOptions(settings, (name) => said[name]),
    { 'completion.model': 'lite' },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectOptions, needsRestart, serverSettingNames, type Inspected } from '../src/options.ts';

test('the path of the program is not told to the program', () => {
  assert.deepEqual(serverSettingNames(['midspan.path', 'midspan.completion.model']), ['completion.model']);
});

test('only set values are sent, and the nearest level decides', () => {
  const said: Record<string, Inspected> = {
    'completion.enabled': { globalValue: true, workspaceValue: false },
    'completion.model': { globalValue: 'lite' },
    'chat.model': {},
  };
  assert.deepEqual(
    collectOptions([...Object.keys(said), 'log_level'], (name) => said[name]),
    { 'completion.enabled': false, 'completion.model': 'lite' },
  );
});

test('a removed setting needs a restart, a changed or new one does not', () => {
  assert.equal(needsRestart({ a: 1 }, { a: 2, b: 3 }), false);
  assert.equal(needsRestart({ a: 1, b: 2 }, { a: 1 }), true);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeStatus } from '../src/describe_status.ts';
import type { ModelState, Status } from '../src/protocol.ts';
import { whyOff, withLanguageToggled } from '../src/switches.ts';

function status(completion: Partial<ModelState>, busy = 0): Status {
  return {
    completion: { state: 'ready', reason: null, model: 'lite', ...completion },
    chat: { state: 'none', reason: null, model: '' },
    busy,
  };
}

test('a ready model is named, a busy one turns', () => {
  assert.equal(describeStatus({ kind: 'running', status: status({}) }, undefined).text, '$(sparkle) lite');
  assert.equal(describeStatus({ kind: 'running', status: status({}, 2) }, undefined).text, '$(loading~spin) lite');
});

test('the item says why completion is off, in the editor or in midspan.toml', () => {
  const byServer = status({ state: 'off', reason: 'A glob of midspan.toml names this file.' });
  assert.deepEqual(describeStatus({ kind: 'running', status: byServer }, undefined), {
    text: '$(circle-slash) Midspan off',
    tooltip: 'A glob of midspan.toml names this file.',
    severity: 'none',
  });
  const here = describeStatus({ kind: 'running', status: status({}) }, 'Completions are turned off.');
  assert.equal(here.tooltip, 'Completions are turned off.');
});

test('a problem is shown as an error with its message', () => {
  const broken = status({ state: 'error', reason: 'The folder is empty.' });
  for (const view of [
    describeStatus({ kind: 'running', status: broken }, undefined),
    describeStatus({ kind: 'missing', problem: 'The folder is empty.', canInstall: true }, undefined),
    describeStatus({ kind: 'failed', problem: 'The folder is empty.' }, undefined),
  ]) {
    assert.equal(view.severity, 'error');
    assert.equal(view.tooltip, 'The folder is empty.');
  }
});

test('an installation turns, and is no error', () => {
  const view = describeStatus({ kind: 'installing' }, undefined);
  assert.deepEqual([view.text, view.severity], ['$(loading~spin) Midspan', 'none']);
});

test('toggling a language leaves the others alone', () => {
  const languages = withLanguageToggled(['python', 'c'], 'go');
  assert.deepEqual(languages, ['c', 'go', 'python']);
  assert.deepEqual(withLanguageToggled(languages, 'c'), ['go', 'python']);
  const switches = { enabled: true, disabledLanguages: languages };
  assert.ok(whyOff(switches, 'go')?.includes('go'));
  assert.equal(whyOff(switches, 'rust'), undefined);
  assert.ok(whyOff({ ...switches, enabled: false }, 'rust'));
});

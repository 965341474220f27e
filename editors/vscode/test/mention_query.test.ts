import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginsCommand, mentionAt } from '../src/webview/mention_query.ts';

test('"@" and letters before the cursor ask for what they may name', () => {
  const at = (text: string) => mentionAt(text, text.length);
  assert.deepEqual(at('Why is @src/app.py#run'), { query: 'src/app.py#run', start: 7 });
  assert.deepEqual(at('@'), { query: '', start: 0 });
  assert.deepEqual(at('Compare (@file:pri'), { query: 'file:pri', start: 9 });
  assert.deepEqual(at('@"my no'), { query: '"my no', start: 0 });
  assert.deepEqual(mentionAt('@app and more', 4), { query: 'app', start: 0 });
});

test('an address, a decorator behind a name, and a finished word ask for nothing', () => {
  for (const text of ['me@example.org', 'a/@b', '@app ', 'no mention', '']) {
    assert.equal(mentionAt(text, text.length), undefined, text);
  }
});

test('a slash begins a command', () => {
  assert.deepEqual(['/', '/cle', '/clear', '/x', 'a /', ''].map(beginsCommand), [true, true, true, false, false, false]);
});

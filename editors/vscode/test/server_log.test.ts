import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerLog } from '../src/server_log.ts';

test('lines of the server keep their level, and a traceback that of its message', () => {
  const log = new ServerLog();
  assert.deepEqual(log.read('Traceback (most recent call last):'), ['error', 'Traceback (most recent call last):']);
  assert.deepEqual(log.read('2026-11-28 10:52:41,857 INFO lsp_server: a.py:3:20: shown'), ['info', 'lsp_server: a.py:3:20: shown']);
  assert.deepEqual(log.read('2026-11-28 10:52:41,857 WARNING lsp_server: slow'), ['warn', 'lsp_server: slow']);
  assert.deepEqual(log.read('  File "x.py", line 1'), ['warn', '  File "x.py", line 1']);
  assert.deepEqual(log.read('2026-11-28 10:52:41,857 DEBUG lsp_server: key'), ['info', 'lsp_server: key']);
});

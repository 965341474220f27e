import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureWords, OutputReader } from '../src/environment/output_words.ts';

test('what pip prints becomes words', () => {
  const reader = new OutputReader();
  const said: [string, string | undefined][] = [
    ['Collecting tree-sitter-c<1,>=0.24', 'looking for tree-sitter-c'],
    ['  Downloading pygls-2.1.0-py3-none-any.whl.metadata (5.0 kB)', undefined],
    ['  Downloading torch-2.9.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl (200.1 MB)', 'downloading torch (200.1 MB)'],
    ['Downloading pygls-2.1.0-py3-none-any.whl (50 kB)', 'downloading pygls (50 kB)'],
    ['Installing collected packages: mpmath, torch, midspan', 'installing 3 packages'],
  ];
  assert.deepEqual(said.map(([line]) => reader.read(line)), said.map(([, words]) => words));
});

test('of what uv downloads at a time, the largest is named until it is there', () => {
  const reader = new OutputReader();
  const said: [string, string | undefined][] = [
    ['Downloading cpython-3.13.1-linux-x86_64-gnu (download) (31.2MiB)', 'downloading cpython-3.13.1-linux-x86_64-gnu (31.2 MiB)'],
    [' Downloaded cpython-3.13.1-linux-x86_64-gnu (download)', undefined],
    ['Resolved 62 packages in 1.2s', 'fetching 62 packages'],
    ['   Building midspan @ file:///src', 'building midspan'],
    ['Downloading tree-sitter-cpp (512.0KiB)', 'downloading tree-sitter-cpp (512 KiB)'],
    ['Downloading torch (175.4MiB)', 'downloading torch (175.4 MiB) and 1 more'],
    ['Downloading sympy (6.0MiB)', 'downloading torch (175.4 MiB) and 2 more'],
    [' Downloaded sympy', 'downloading torch (175.4 MiB) and 1 more'],
    [' Downloaded torch', 'downloading tree-sitter-cpp (512 KiB)'],
    [' Downloaded tree-sitter-cpp', undefined],
    ['Prepared 1 package in 2ms', 'installing 1 package'],
    [' + torch==2.9.0', undefined],
  ];
  assert.deepEqual(said.map(([line]) => reader.read(line)), said.map(([, words]) => words));
});

test('a failure is the last error of pip, all of that of uv, or the last line', () => {
  const pip = ['Collecting midspan', 'ERROR: Could not find it', 'ERROR: No matching distribution found', '[notice] new pip'];
  assert.equal(failureWords(pip), 'No matching distribution found');
  const uv = ['Using Python 3.12', '  × No solution found:', '  ╰─▶ Because midspan was not found,', '      it is not here.', '', 'hint: ask'];
  assert.equal(failureWords(uv), 'No solution found: Because midspan was not found, it is not here.');
  assert.equal(failureWords(['error: Failed to fetch', '  Caused by: no route']), 'Failed to fetch: no route');
  const newer = ['error: No solution found', '  cause: Because it is not here.', '', 'hint: ask'];
  assert.equal(failureWords(newer), 'No solution found: Because it is not here.');
  assert.equal(failureWords(['one', 'Permission denied']), 'Permission denied');
  assert.equal(failureWords([]), '');
});

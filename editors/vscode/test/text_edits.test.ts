import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubtOf, filesOf, withDraft, withEdits } from '../src/text_edits.ts';

function edit(line: number, from: number, toLine: number, to: number, newText: string) {
  return { range: { start: { line, character: from }, end: { line: toLine, character: to } }, newText };
}

test('edits are applied by lines and UTF-16 units, in any order', () => {
  const text = 'a = "😀"\r\nb = 2\r\n';
  assert.equal(
    withEdits(text, [edit(1, 4, 1, 5, '3'), edit(0, 8, 0, 8, '  # face')]),
    'a = "😀"  # face\r\nb = 3\r\n',
  );
});

test('a position past the end of a line or of the text is that end', () => {
  assert.equal(withEdits('ab\ncd', [edit(0, 99, 0, 99, '!'), edit(9, 0, 9, 0, '?')]), 'ab!\ncd?');
});

test('two insertions at one place keep their order', () => {
  assert.equal(withEdits('x', [edit(0, 0, 0, 0, 'a'), edit(0, 0, 0, 0, 'b')]), 'abx');
});

test('edits that overlap are refused', () => {
  assert.throws(() => withEdits('abcdef', [edit(0, 0, 0, 3, ''), edit(0, 2, 0, 4, '')]), /overlap/);
});

test('both forms of a workspace edit say the same', () => {
  const edits = [edit(0, 0, 0, 0, 'x')];
  assert.deepEqual(filesOf({ changes: { 'file:///a.py': edits } }), [{ uri: 'file:///a.py', creates: false, edits }]);
  const versioned = { textDocument: { uri: 'file:///a.py', version: 3 }, edits };
  assert.deepEqual(filesOf({ documentChanges: [{ kind: 'create', uri: 'file:///a.py' }, versioned] }), [
    { uri: 'file:///a.py', creates: true, edits },
  ]);
});

test('an edit that removes a file is refused', () => {
  assert.throws(() => filesOf({ documentChanges: [{ kind: 'delete', uri: 'file:///a.py' }] }), /delete/);
});

test('a draft stands before the lines that it will replace', () => {
  const range = { start: { line: 1, character: 0 }, end: { line: 3, character: 1 } };
  const text = '0\n1\n2\n3\n4';
  assert.equal(withDraft(text, range, ''), '0\n\n2\n3\n4');
  assert.equal(withDraft(text, range, 'one\ntw'), '0\none\ntw\n3\n4');
  assert.equal(withDraft(text, range, 'one\ntwo\nthree\nmore\n'), '0\none\ntwo\nthree\nmore\n\n4');
});

test('a draft of several lines replaces whole lines, one within a line does not', () => {
  const range = { start: { line: 0, character: 4 }, end: { line: 2, character: 0 } };
  assert.equal(withDraft('abc = 1\nd = 2\ne\n', range, 'x\ny'), 'x\ny\ne\n');
  const piece = { start: { line: 0, character: 6 }, end: { line: 0, character: 7 } };
  assert.equal(withDraft('abc = 1\nd\n', piece, '23'), 'abc = 23\nd\n');
});

test('a doubt of the server is shown in its words', () => {
  assert.equal(doubtOf({ changeAnnotations: { a: { needsConfirmation: true, description: 'it was cut' } } }), 'it was cut');
  assert.equal(doubtOf({ changeAnnotations: { a: { description: 'fine' } } }), undefined);
});

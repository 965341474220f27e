import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOf, columnOf, insertionBehind, lineOf, placeOf, summaryOf } from '../src/edit_change.ts';
import { changedParts, pairLines } from '../src/line_diff.ts';

const LINES = ['count = 1', 'print(count)', 'return count'];

function edit(line: number, from: number, toLine: number, to: number, text: string) {
  return { range: { start: { line, character: from }, end: { line: toLine, character: to } }, text };
}

test('the words that changed are told apart from those that stay', () => {
  assert.deepEqual(changedParts('print(count, size)', 'print(total, size)'), [
    { start: 6, old: 'count', newStart: 6, text: 'total' },
  ]);
  assert.deepEqual(changedParts('def area(w, h):', 'def area(w, h, unit):'), [
    { start: 13, old: '', newStart: 13, text: ', unit' },
  ]);
  assert.deepEqual(changedParts('', ''), []);
  assert.deepEqual(changedParts('a b c', 'x y c'), [{ start: 0, old: 'a b', newStart: 0, text: 'x y' }]);
});

test('a line of which hardly anything stays is another line', () => {
  assert.deepEqual(changedParts('    for room in rooms:', '    return sum(values(x) for y in z)'), [
    { start: 4, old: 'for room in rooms:', newStart: 4, text: 'return sum(values(x) for y in z)' },
  ]);
});

test('lines that resemble each other are paired', () => {
  assert.deepEqual(pairLines(['total = 0.0', 'for room in rooms:', '    use(room)'], ['for each in rooms:', '    use(each)']), [
    { old: 'total = 0.0' },
    { old: 'for room in rooms:', text: 'for each in rooms:' },
    { old: '    use(room)', text: '    use(each)' },
  ]);
});

test('a change has no line that stays', () => {
  const text = 'def area():\n    size = 2\n    return size';
  const lines = ['def area():', '    size = 1', '    return size', ''];
  assert.deepEqual(changeOf(edit(0, 0, 2, 15, text), lines), { line: 1, olds: ['    size = 1'], news: ['    size = 2'] });
  assert.equal(changeOf(edit(0, 0, 0, 11, 'def area():'), lines), undefined);
  assert.equal(changeOf(edit(9, 0, 9, 0, 'x'), lines), undefined);
});

test('new lines stand below the line before them', () => {
  const change = changeOf(edit(1, 0, 1, 0, 'x = 3\n'), LINES);
  assert.ok(change);
  assert.deepEqual(change, { line: 1, olds: [], news: ['x = 3'] });
  assert.equal(lineOf(change), 0);
  assert.equal(summaryOf(change), '+ x = 3');
});

test('a place is at the cursor, on the screen, above or below', () => {
  const change = changeOf(edit(1, 6, 1, 11, 'total'), LINES);
  assert.ok(change);
  assert.equal(columnOf(change), 6);
  assert.equal(summaryOf(change), 'count → total');
  assert.deepEqual(
    [placeOf(change, 1, [0, 9]), placeOf(change, 0, [0, 9]), placeOf(change, 5, [5, 9]), placeOf(change, 0, [0, 0])],
    ['here', 'shown', 'above', 'below'],
  );
});

test('only an insertion at or behind the cursor is ghost text', () => {
  const cursor = { line: 1, character: 6 };
  assert.equal(insertionBehind(edit(1, 11, 1, 11, ', end'), cursor), ', end');
  assert.equal(insertionBehind(edit(1, 6, 1, 6, 'x'), cursor), 'x');
  assert.equal(insertionBehind(edit(1, 5, 1, 5, 'x'), cursor), undefined);
  assert.equal(insertionBehind(edit(1, 6, 1, 7, 'x'), cursor), undefined);
  assert.equal(insertionBehind(edit(2, 6, 2, 6, 'x'), cursor), undefined);
});

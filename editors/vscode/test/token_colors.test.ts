import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenColors } from '../src/token_colors.ts';

test('the most exact selector of a theme colors a class, and of equal ones the last', () => {
  const colors = tokenColors([
    { scope: 'keyword', settings: { foreground: '#111111' } },
    { scope: ['comment', 'keyword.control'], settings: { foreground: '#222222' } },
    { scope: 'string, comment', settings: { foreground: '#333333' } },
    { scope: 'source.css string', settings: { foreground: '#444444' } },
    { settings: { foreground: '#555555' } },
    { scope: 'key', settings: { foreground: '#666666' } },
  ]);
  assert.deepEqual(colors, {
    keyword: '#222222',
    operator: '#111111',
    comment: '#333333',
    string: '#333333',
    regexp: '#333333',
  });
});

test('only a color of a theme reaches the style of the page', () => {
  assert.deepEqual(tokenColors([{ scope: 'string', settings: { foreground: 'url(https://e.example)' } }]), {});
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTraces, type Trace } from '../src/format_trace.ts';

const SHOWN: Trace = {
  id: 7,
  at: 0,
  kind: 'completion',
  path: 'shop/price.py',
  position: [2, 4],
  model: 'lite',
  summary: 'shown 12 characters',
  confidence: 0.5,
  tokens: { prompt: 100, cached: 90 },
  ms: { first_token: 8.25, total: 20 },
  packed: [{ kind: 'import', path: 'shop/tax.py', why: 'imported by price.py', tokens: 40, first_line: 9 }],
  packed_tokens: 80,
};

test('a trace has the place, the outcome, the costs and the packed parts', () => {
  const text = formatTraces([SHOWN]);
  for (const part of [
    'shop/price.py:3:5',
    'shown 12 characters',
    'first token 8.3 ms, total 20.0 ms',
    'tokens of lite: prompt 100, cached 90; confidence 0.50',
    'packed, 80 tokens',
    '40  shop/tax.py:10  import, imported by price.py',
  ]) {
    assert.ok(text.includes(part), `${part} is not in\n${text}`);
  }
});

test('the newest trace is first, and a request without a model has its reason', () => {
  const nothing: Trace = { ...SHOWN, id: 8, summary: 'nothing asked: a comment', tokens: {}, packed: [], confidence: null };
  const text = formatTraces([SHOWN, nothing]);
  assert.ok(text.indexOf('nothing asked') < text.indexOf('shown 12'));
  assert.ok(!text.slice(0, text.indexOf('#7')).includes('tokens'));
});

test('an empty list has a text of its own', () => {
  assert.ok(formatTraces([]).includes('No request'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choices, percentFetched, type ModelListing, type Section } from '../src/model_list.ts';

const LISTING: ModelListing = {
  here: [
    { name: 'small', use: ['completion', 'chat'], parameters: 5e8, size_bytes: 1e9, form: 'int8', tokens_per_s: 46.2, fast_enough: ['completion', 'chat'], recommended: ['chat'] },
    { name: 'broken', problem: 'its config.json is gone' },
  ],
  begun: [{ name: 'big', size_bytes: 5e9 }],
  catalogue: [
    { name: 'big', use: ['chat'], parameters: 16e9, size_bytes: 20e9, form: 'int4', tokens_per_s: 2.61, fast_enough: [], recommended: [] },
    { name: 'huge', use: ['completion'], parameters: 236e9, size_bytes: 472e9, form: null, tokens_per_s: null },
  ],
};

test('the choices are the models trained for the use, those without a download first', () => {
  assert.deepEqual(choices(LISTING, 'chat').map(({ model }) => model), [undefined, 'small', 'big']);
  assert.deepEqual(choices(LISTING, 'completion').map(({ model }) => model), [undefined, 'small', 'huge']);
});

test('only a model that is not downloaded has a size, and one that is too large is marked', () => {
  const [, here, huge] = choices(LISTING, 'completion');
  assert.equal(here?.sizeBytes, undefined);
  assert.equal(huge?.sizeBytes, 472e9);
  assert.ok(huge.detail);
});

test('a choice says how fast its model is here', () => {
  const descriptions = choices(LISTING, 'chat').map(({ description }) => description);
  assert.match(descriptions[1] ?? '', /runs as int8, about 46 tokens\/s/);
  assert.match(descriptions[2] ?? '', /runs as int4, about 2\.6 tokens\/s/);
});

test('a choice says whether it is in use, recommended, slow, or too large here', () => {
  const details = (section: Section, now?: string) => choices(LISTING, section, now).map(({ detail }) => detail ?? '');
  assert.deepEqual(details('chat', 'small'), [
    '',
    '$(check) in use, $(star-full) recommended: the largest that is fast enough here',
    '$(warning) slow here',
  ]);
  assert.deepEqual(details('chat', ''), [
    '$(check) in use',
    '$(star-full) recommended: the largest that is fast enough here',
    '$(warning) slow here',
  ]);
  assert.deepEqual(details('completion', 'built-in'), [
    '$(check) in use',
    'fast enough here',
    'needs more memory than this machine has',
  ]);
});

test('progress is the downloaded share of the whole', () => {
  assert.equal(percentFetched(LISTING, 'big', 20e9), 25);
  assert.equal(percentFetched(LISTING, 'huge', 472e9), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conversation } from '../src/conversation.ts';

const PRICE = { name: 'price.py', uri: 'file:///price.py' };

test('the model gets all messages, with references in the form of the protocol', () => {
  const chat = new Conversation();
  chat.ask('Why?', [PRICE]);
  chat.add('Beca');
  chat.add('use');
  chat.finish({ text: 'Because.', used: [] });
  chat.ask('And then?', []);
  assert.deepEqual(chat.messages(), [
    { role: 'user', content: 'Why?', references: [{ uri: 'file:///price.py' }] },
    { role: 'assistant', content: 'Because.' },
    { role: 'user', content: 'And then?' },
  ]);
});

test('a stopped answer stays and is marked as stopped', () => {
  const chat = new Conversation();
  chat.ask('Count.', []);
  chat.add('1, 2');
  chat.stop();
  chat.add(', 3');
  assert.deepEqual(chat.turns.at(-1), { role: 'assistant', content: '1, 2', note: 'Stopped.' });
  assert.equal(chat.isAnswering, false);
});

test('a question that failed is shown with its error and is not sent with the next one', () => {
  const chat = new Conversation();
  chat.ask('Why?', []);
  chat.fail('There is no chat model.');
  assert.deepEqual(chat.turns.map(({ role }) => role), ['user', 'error']);
  chat.ask('Why not?', []);
  assert.deepEqual(chat.messages(), [{ role: 'user', content: 'Why not?' }]);
});

test('a question that was stopped before its first word is not sent again', () => {
  const chat = new Conversation();
  chat.ask('Why?', []);
  chat.stop();
  chat.ask('Why not?', []);
  assert.deepEqual(chat.messages(), [{ role: 'user', content: 'Why not?' }]);
});

test('a conversation goes on from what was kept, with what its answers used', () => {
  const used = [{ path: 'price.py', uri: PRICE.uri, firstLine: 0, lastLine: 3, kind: 'definition', why: 'you named it' }];
  const chat = new Conversation([
    { role: 'user', content: 'Why?', references: [] },
    { role: 'assistant', content: 'Because.' },
  ]);
  chat.ask('And then?', []);
  assert.deepEqual(chat.messages().map(({ content }) => content), ['Why?', 'Because.', 'And then?']);
  chat.finish({ text: 'Nothing.', used });
  assert.deepEqual(chat.turns.at(-1), { role: 'assistant', content: 'Nothing.', used });
});

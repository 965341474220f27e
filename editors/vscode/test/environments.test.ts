import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Environments, type Begun } from '../src/environment/environments.ts';
import { programOf } from '../src/environment/install_steps.ts';

function storage(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'environments-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function fill({ folder }: Begun): string {
  const program = programOf(folder, 'midspan', process.platform);
  mkdirSync(dirname(program), { recursive: true });
  writeFileSync(program, '');
  return program;
}

async function make(environments: Environments, version: string): Promise<string> {
  const begun = await environments.begin(version);
  const program = fill(begun);
  await begun.finish({ version, requirement: `midspan==${version}` });
  return program;
}

test('a half-made environment does not count, and a discarded one leaves nothing', async (context) => {
  const folder = storage(context);
  const environments = new Environments(folder);
  const begun = await environments.begin('1.0');
  fill(begun);
  assert.equal(environments.current(), undefined);
  await begun.discard();
  assert.deepEqual(readdirSync(folder), []);
});

test('a whole environment serves until the next one is whole', async (context) => {
  const environments = new Environments(storage(context));
  const program = await make(environments, '1.0');
  const begun = await environments.begin('2.0');
  fill(begun);
  assert.equal(environments.current()?.program, program);
  await begun.discard();
  assert.equal(environments.current()?.version, '1.0');
  const next = await make(environments, '2.0');
  assert.deepEqual([environments.current()?.program, environments.current()?.requirement], [next, 'midspan==2.0']);
  await environments.removeAllBut(environments.current());
  assert.ok(existsSync(next) && !existsSync(program));
});

test('two windows do not install at a time, and one that was killed holds up nobody', async (context) => {
  const folder = storage(context);
  const [one, other] = [new Environments(folder), new Environments(folder)];
  const begun = await one.begin('1.0');
  fill(begun);
  await assert.rejects(other.begin('1.0'), /Another window/);
  await other.removeAllBut(undefined);
  assert.ok(existsSync(begun.folder)); // it is being made
  await begun.discard();
  mkdirSync(join(folder, '1.0-killed'));
  writeFileSync(join(folder, '1.0-killed.installing'), '');
  utimesSync(join(folder, '1.0-killed.installing'), 0, 0);
  await make(other, '1.0');
  assert.ok(!existsSync(join(folder, '1.0-killed')));
});

test('removing leaves no record, so that nothing else is taken for an environment', async (context) => {
  const folder = storage(context);
  const environments = new Environments(folder);
  await make(environments, '1.0');
  await environments.removeAllBut(undefined);
  assert.deepEqual(readdirSync(folder), []);
  writeFileSync(join(folder, 'broken.json'), '{');
  assert.equal(environments.current(), undefined);
});

import { describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import type { OpenDatabase } from './open.ts';
import { unitOfWork } from './unit-of-work.ts';

const backends = openBackends();
const user = (name: string) => ({
  ...{ id: name, name, role: 'viewer' as const, password_hash: null, created_ms: 1, disabled_ms: null },
});
const names = async ({ database }: OpenDatabase) =>
  (await database.selectFrom('users').select('name').orderBy('name').execute()).map(({ name }) => name);

describe.each(BACKENDS)('on %s', (backend) => {
  test('pieces that are done together stand and fall each by itself', async () => {
    const opened = await backends.open(backend);
    const doWork = unitOfWork(opened);
    const add = (name: string) =>
      doWork(async (work) => {
        await work.insertInto('users').values(user(name)).execute();
        if (name.startsWith('bad')) throw new Error(name);
        return name;
      });
    const outcomes = await Promise.allSettled(['a', 'bad 1', 'b', 'b', 'bad 2', 'c'].map(add));
    // Of the two named b one is done: on PostgreSQL, which does them side by side, whichever.
    const done = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    expect(done).toEqual(['a', 'b', 'c']);
    expect(outcomes[1]).toMatchObject({ reason: { message: 'bad 1' } });
    expect(await names(opened)).toEqual(['a', 'b', 'c']);
  });

  test('what is done is there when it is answered', async () => {
    const opened = await backends.open(backend);
    const doWork = unitOfWork(opened);
    const rounds = Array.from({ length: 100 }, async (_, index) => {
      const name = `u${String(index).padStart(3, '0')}`;
      await doWork(async (work) => void (await work.insertInto('users').values(user(name)).execute()));
      expect(await names(opened)).toContain(name);
    });
    await Promise.all(rounds);
    expect(await names(opened)).toHaveLength(100);
  });

  test('a piece sees what the one before it has done', async () => {
    const opened = await backends.open(backend);
    const doWork = unitOfWork(opened);
    await opened.database
      .insertInto('sign_in_codes')
      .values({ code_hash: 'x', user_id: 'a', expires_ms: 1 })
      .execute();
    const take = () => doWork((work) => work.deleteFrom('sign_in_codes').returning('code_hash').execute());
    const taken = await Promise.all(Array.from({ length: 10 }, take));
    expect(taken.filter((rows) => rows.length > 0)).toHaveLength(1);
  });
});

test('two that wait for each other are both done', async () => {
  const opened = await backends.open('postgres');
  const doWork = unitOfWork(opened);
  for (const name of ['a', 'b']) await opened.database.insertInto('users').values(user(name)).execute();
  let tries = 0;
  const touch = (first: string, second: string) =>
    doWork(async (work) => {
      tries += 1;
      await work.updateTable('users').set({ created_ms: 2 }).where('name', '=', first).execute();
      await Bun.sleep(100);
      await work.updateTable('users').set({ created_ms: 3 }).where('name', '=', second).execute();
    });
  await Promise.all([touch('a', 'b'), touch('b', 'a')]);
  // One gives way and is done again; on a busy machine it may have to a second time.
  expect(tries).toBeGreaterThanOrEqual(3);
  const users = await opened.database.selectFrom('users').select('created_ms').execute();
  // What the later one leaves, whole: had they mixed, there would be two of the same.
  expect(users.map(({ created_ms }) => Number(created_ms)).sort()).toEqual([2, 3]);
});

test('when the flush fails, nobody is told that his work is done, and the next one is', async () => {
  const opened = await backends.open('sqlite');
  const doWork = unitOfWork(opened);
  const failing = Promise.allSettled([
    doWork((work) => work.insertInto('users').values(user('a')).execute()),
    // Ends the transaction under everybody's feet.
    doWork(async (work) => {
      const { sql } = await import('kysely');
      await sql`rollback`.execute(work);
    }),
  ]);
  expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await doWork((work) => work.insertInto('users').values(user('b')).execute());
  expect(await names(opened)).toEqual(['b']);
});

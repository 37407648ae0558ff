import { statSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { openDatabase } from './open.ts';

const backends = openBackends();

describe.each(BACKENDS)('on %s', (backend) => {
  test('an empty database gets its tables, and opening it again changes nothing', async () => {
    const place = await backends.place(backend);
    const first = await openDatabase(place);
    await first.database.insertInto('users').values(user('ada')).execute();
    await first.database.destroy();
    const second = await backends.open(backend, place);
    expect(await second.database.selectFrom('users').select('name').execute()).toEqual([{ name: 'ada' }]);
  });

  test('numbers come back as numbers up to the largest whole one', async () => {
    const { database } = await backends.open(backend);
    const largest = Number.MAX_SAFE_INTEGER;
    await database
      .insertInto('users')
      .values({ ...user('ada'), created_ms: largest })
      .execute();
    const [row] = await database.selectFrom('users').select(['created_ms', 'password_hash']).execute();
    expect(row).toEqual({ created_ms: largest, password_hash: null });
  });

  test('of two people with one name the second is refused', async () => {
    const { database } = await backends.open(backend);
    const add = () => database.insertInto('users').values(user('ada')).execute();
    await add();
    await expect(add()).rejects.toThrow();
  });

  test('a piece of work that fails leaves nothing behind', async () => {
    const { database } = await backends.open(backend);
    const work = database.transaction().execute(async (transaction) => {
      await transaction.insertInto('users').values(user('ada')).execute();
      throw new Error('half way');
    });
    await expect(work).rejects.toThrow('half way');
    expect(await database.selectFrom('users').selectAll().execute()).toEqual([]);
  });

  test('nobody changes or removes an entry of the audit log', async () => {
    const { database } = await backends.open(backend);
    const entry = { sequence: 1, at_ms: 1, actor: 'a', action: 'b', subject: 'c', details: '{}' };
    await database
      .insertInto('audit')
      .values({ ...entry, previous_hash: '', hash: '' })
      .execute();
    await expect(database.updateTable('audit').set({ actor: 'z' }).execute()).rejects.toThrow('append-only');
    await expect(database.deleteFrom('audit').execute()).rejects.toThrow('append-only');
    expect(await database.selectFrom('audit').select('actor').execute()).toEqual([{ actor: 'a' }]);
  });
});

test('two processes that start at the same time on an empty PostgreSQL both get it', async () => {
  const place = await backends.place('postgres');
  const both = await Promise.all([backends.open('postgres', place), backends.open('postgres', place)]);
  for (const { database } of both)
    expect(await database.selectFrom('users').selectAll().execute()).toEqual([]);
});

test('a second process on the same SQLite file is refused, until the first is gone', async () => {
  const place = await backends.place('sqlite');
  const first = await openDatabase(place);
  await expect(openDatabase(place)).rejects.toMatchObject({ code: 'DATABASE_IN_USE' });
  await first.database.destroy();
  await backends.open('sqlite', place);
});

test('the file of SQLite is for its owner alone, flushed with every transaction', async () => {
  const { database, place } = await backends.open('sqlite');
  expect(statSync(place).mode & 0o077).toBe(0);
  const { rows } = await sql`pragma synchronous`.execute(database);
  expect(rows).toEqual([{ synchronous: 2 }]);
});

test.each([
  ['no address', 'mysql://x/y', 'DATABASE_URL_INVALID'],
  ['nobody there', 'postgres://x:secret@127.0.0.1:1/y', 'DATABASE_UNREACHABLE'],
])('%s is told without the password', async (_, url, code) => {
  const failing = openDatabase({ data: makeFolder('coordinator'), url });
  await expect(failing).rejects.toMatchObject({ code, message: expect.not.stringContaining('secret') });
});

test('a folder that cannot be written to is told', async () => {
  const file = join(makeFolder('coordinator'), 'file');
  await Bun.write(file, '');
  await expect(openDatabase({ data: file })).rejects.toThrow();
});

function user(name: string) {
  return { id: name, name, role: 'admin' as const, password_hash: null, created_ms: 1, disabled_ms: null };
}

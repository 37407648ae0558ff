import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { rowSource, textList } from './json-rows.ts';
import type { LeaseRow } from './release-tables.ts';

const backends = openBackends();
const COLUMNS = { name: 'text', holder: 'text', until_ms: 'number' } as const;

test.each(BACKENDS)('rows arrive as they are, whatever stands in them (%s)', async (backend) => {
  const { database } = await backends.open(backend);
  const rows: LeaseRow[] = [
    { name: 'plain', holder: 'a', until_ms: 1 },
    { name: `quotes ' " \\ and \u{1f680}`, holder: '', until_ms: 0 },
    { name: 'large', holder: '123', until_ms: Number.MAX_SAFE_INTEGER },
    { name: '42', holder: 'null', until_ms: -5 },
  ];
  const inserted = await database
    .insertInto('leases')
    .columns(['name', 'holder', 'until_ms'])
    .expression(rowSource(backend, COLUMNS, rows))
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('name')
    .execute();
  expect(inserted).toHaveLength(4);
  const read = await database.selectFrom('leases').selectAll().orderBy('until_ms').execute();
  expect(read).toEqual([...rows].sort((a, b) => a.until_ms - b.until_ms));
});

test.each(BACKENDS)('what is absent stays absent (%s)', async (backend) => {
  const { database } = await backends.open(backend);
  const source = rowSource(backend, { a: 'text', b: 'number' }, [{ a: null, b: null }]);
  const { rows } = await sql<{ n: number }>`
    with given (a, b) as (${source}) select count(*) as n from given where a is null and b is null`.execute(
    database,
  );
  expect(Number(rows[0]?.n)).toBe(1);
});

test.each(BACKENDS)('a list has what is in it and nothing else (%s)', async (backend) => {
  const { database } = await backends.open(backend);
  const names = ['a', "b'; drop table leases", '3'];
  for (const name of [...names, 'other'])
    await database.insertInto('leases').values({ name, holder: 'x', until_ms: 1 }).execute();
  const found = async (list: readonly string[]) =>
    (
      await database
        .selectFrom('leases')
        .select('name')
        .where('name', 'in', textList(backend, list))
        .execute()
    ).map(({ name }) => name);
  expect((await found(names)).sort()).toEqual([...names].sort());
  expect(await found(['a', 'a', 'nobody'])).toEqual(['a']);
  expect(await found([])).toEqual([]);
});

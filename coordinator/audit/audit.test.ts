import { describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type AuditEntry, entryHash, verifyChain } from './chain.ts';
import { allAudit, latestAudit, recordDeed } from './log.ts';

const backends = openBackends();
const deed = { actor: 'user:ada', action: 'device.approve', subject: 'device:1', details: { note: 'ä' } };

describe.each(BACKENDS)('on %s', (backend) => {
  test('what many do at once becomes one chain', async () => {
    const { database } = await backends.open(backend);
    const write = (at_ms: number) => database.transaction().execute((work) => recordDeed(work, at_ms, deed));
    await Promise.all(Array.from({ length: 20 }, (_, index) => write(index)));
    const entries = await Array.fromAsync(allAudit(database));
    expect(entries).toHaveLength(20);
    expect(await verifyChain(entries)).toMatchObject({ intact: true, entries: 20, fault: null });
    expect(await latestAudit(database, 1)).toEqual(entries.slice(-1));
  });

  test('what was not done is not in it', async () => {
    const { database } = await backends.open(backend);
    const failing = database.transaction().execute(async (work) => {
      await recordDeed(work, 1, deed);
      throw new Error('not done');
    });
    await expect(failing).rejects.toThrow('not done');
    await database.transaction().execute((work) => recordDeed(work, 2, deed));
    expect(await verifyChain(allAudit(database))).toMatchObject({ intact: true, entries: 1 });
  });
});

test('two processes on one PostgreSQL write one chain', async () => {
  const place = await backends.place('postgres');
  const both = [await backends.open('postgres', place), await backends.open('postgres', place)];
  const write = ({ database }: (typeof both)[number], at_ms: number) =>
    database.transaction().execute((work) => recordDeed(work, at_ms, deed));
  await Promise.all(Array.from({ length: 30 }, (_, index) => both.map((one) => write(one, index))).flat());
  const [first] = both;
  if (first) expect(await verifyChain(allAudit(first.database))).toMatchObject({ intact: true, entries: 60 });
});

describe('a chain', () => {
  const chain = (length: number): AuditEntry[] => {
    const made: AuditEntry[] = [];
    for (let sequence = 1; sequence <= length; sequence += 1) {
      const entry = {
        ...deed,
        sequence,
        at_ms: sequence,
        previous_hash: made.at(-1)?.hash ?? '0'.repeat(64),
      };
      made.push({ ...entry, hash: entryHash(entry) });
    }
    return made;
  };
  const whole = chain(5);
  const edit = (change: Partial<AuditEntry>) =>
    whole.map((entry) => (entry.sequence === 3 ? { ...entry, ...change } : entry));

  test.each([
    ['with an entry taken out', whole.filter(({ sequence }) => sequence !== 3), { sequence: 4, kind: 'gap' }],
    ['with its beginning taken away', whole.slice(1), { sequence: 2, kind: 'not_the_first' }],
    ['with an entry twice', [...whole, ...whole.slice(4)], { sequence: 5, kind: 'fork' }],
    ['in which somebody else did it', edit({ actor: 'user:eve' }), { sequence: 3, kind: 'edited' }],
    ['in which it happened at another time', edit({ at_ms: 9 }), { sequence: 3, kind: 'edited' }],
    [
      'in which details were added',
      edit({ details: { note: 'ä', more: 1 } }),
      { sequence: 3, kind: 'edited' },
    ],
    [
      'in which an entry was written anew with its hash',
      edit({ actor: 'user:eve', hash: entryHash({ ...(whole[2] as AuditEntry), actor: 'user:eve' }) }),
      { sequence: 4, kind: 'fork' },
    ],
  ])('%s is found', async (_, entries, fault) => {
    expect(await verifyChain(entries)).toMatchObject({ intact: false, fault });
  });

  test('that was cut off at its end is told by a head that was noted before', async () => {
    const { head } = await verifyChain(whole);
    expect((await verifyChain(whole.slice(0, 4))).head).not.toEqual(head);
  });

  test('that is empty is whole', async () => {
    expect(await verifyChain([])).toMatchObject({ intact: true, entries: 0 });
  });
});

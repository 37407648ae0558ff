import { expect, test } from 'vitest';
import { healed, openLog } from '../../test/evidence/evidence-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { listRecords } from './records.ts';
import { listChains, listSegments } from './segments.ts';

test('a kind that is rare is found in the oldest of many segments, and others go on meanwhile', async () => {
  const folder = makeFolder('records');
  const log = await openLog(folder, { roll_bytes: 4_096 });
  try {
    await log.append([{ kind: 'healing.switched', body: { to: 'off' } }]);
    for (let index = 0; index < 20; index += 1)
      await log.append(Array.from({ length: 10 }, () => healed(index)));
    const segments = listChains(folder).flatMap(listSegments).length;
    expect(segments).toBeGreaterThan(5);
    let turns = 0;
    let listing = true;
    const others = () => {
      turns += 1;
      if (listing) setImmediate(others);
    };
    setImmediate(others);
    const found = await listRecords(log, { kind: 'healing.switched', limit: 10 });
    listing = false;
    expect(found.map(({ kind, body }) => [kind, body])).toEqual([['healing.switched', { to: 'off' }]]);
    expect(turns).toBeGreaterThanOrEqual(segments - 1);
    expect(await listRecords(log, { kind: 'healing', limit: 500 })).toHaveLength(201);
    expect(await listRecords(log, { kind: 'heal', limit: 500 })).toEqual([]);
  } finally {
    await log.stop();
  }
});

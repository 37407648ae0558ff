import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { parseRecordLine } from '../../protocol/evidence/record.ts';
import { until } from '../../test/coordinator/link-lab.ts';
import type { AppendTask } from '../../test/evidence/append-process.ts';
import { healed, openLog } from '../../test/evidence/evidence-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { listChains, listSegments, readLines } from './segments.ts';
import { verifyEvidence } from './verify.ts';

const KILLS = process.env['BULKHEAD_FULL'] === '1' ? 100 : 8;
const NO_TRUST = { device_keys: [], coordinator_keys: [] };

let running: Bun.Subprocess | undefined;
const mounted: string[] = [];
afterEach(async () => {
  running?.kill('SIGKILL');
  await running?.exited;
  for (const place of mounted.splice(0)) await runOrThrow(run, 'umount', [place]);
});

function startProcess(task: AppendTask): Bun.Subprocess {
  const program = new URL('../../test/evidence/append-process.ts', import.meta.url).pathname;
  const { PATH = '', TMPDIR = '/tmp' } = process.env;
  running = Bun.spawn([process.execPath, program], {
    env: { PATH, TMPDIR, APPEND_TASK: JSON.stringify(task) },
    stdout: 'inherit',
    stderr: 'inherit',
  });
  return running;
}

/** Number of the entry to where it stands. */
function recordsOf(folder: string): Map<number, { seq: number; hash: string }[]> {
  const found = new Map<number, { seq: number; hash: string }[]>();
  for (const { path } of listChains(folder).flatMap(listSegments))
    for (const line of readLines(path).lines) {
      const { record, hash } = parseRecordLine(line);
      if (record.kind !== 'healing.ended') continue;
      const number = Number(record.body['number']);
      found.set(number, [...(found.get(number) ?? []), { seq: record.seq, hash }]);
    }
  return found;
}

test(
  `killed ${KILLS} times at any moment: what was acknowledged is there once, where it was said to be, in one whole chain`,
  async () => {
    const folder = makeFolder('evidence-crash');
    const [evidence, journal] = [join(folder, 'evidence'), join(folder, 'journal')];
    writeFileSync(journal, '');
    for (let life = 0; life < KILLS; life += 1) {
      const from = life * 100_000;
      const child = startProcess({ folder: evidence, journal, from });
      const enough_bytes = statSync(journal).size + 1 + Math.random() * 20_000;
      await until(() => statSync(journal).size >= enough_bytes, 30_000);
      child.kill('SIGKILL');
      await child.exited;
    }
    await (await openLog(evidence)).stop();
    expect(await verifyEvidence(evidence, NO_TRUST)).toMatchObject({
      whole: true,
      chains: [{ first_seq: 1 }],
    });
    const records = recordsOf(evidence);
    const told = readFileSync(journal, 'utf8').trim().split('\n');
    expect(told.length).toBeGreaterThan(KILLS);
    for (const line of told) {
      const [number, seq, hash] = line.split(' ');
      expect(records.get(Number(number)), line).toEqual([{ seq: Number(seq), hash }]);
    }
  },
  KILLS * 30_000,
);

describe.skipIf(process.getuid?.() !== 0)('on a disk that is full', () => {
  async function smallDisk(): Promise<string> {
    const place = join(makeFolder('full'), 'disk');
    mkdirSync(place);
    await runOrThrow(run, 'mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', place]);
    mounted.push(place);
    return place;
  }

  test('append refuses, nothing is half written, and it goes on when there is room', async () => {
    const disk = await smallDisk();
    const log = await openLog(join(disk, 'evidence'), { roll_bytes: 16_384 });
    writeFileSync(join(disk, 'filler'), new Uint8Array(100_000));
    let acknowledged = 1;
    let code = '';
    while (code === '')
      await log.append([healed(acknowledged), healed(acknowledged)]).then(
        ({ seq }) => {
          acknowledged = seq;
        },
        (error) => {
          code = error.code;
        },
      );
    expect(code).toBe('EVIDENCE_FULL');
    expect(await verifyEvidence(join(disk, 'evidence'), NO_TRUST)).toMatchObject({
      ...{ whole: true, chains: [{ last_seq: acknowledged }] },
    });
    rmSync(join(disk, 'filler'));
    const { seq } = await log.append([healed(0)]);
    expect(seq).toBeGreaterThan(acknowledged);
    await log.stop();
    const again = await openLog(join(disk, 'evidence'));
    expect(again.head().seq).toBe(seq);
    await again.stop();
    expect(await verifyEvidence(join(disk, 'evidence'), NO_TRUST)).toMatchObject({ whole: true });
  });
});

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { openSiteStore } from '../site/store/store.ts';
import type { RecordTask } from './lab/record-process.ts';
import { FINDINGS_PART } from './tables.ts';

const KILLS = process.env['BULKHEAD_FULL'] === '1' ? 100 : 8;
const CALLERS = 20;
/** A life ends after so much work, wherever it is then. */
const LIFE_BYTES = 20_000;

let running: Bun.Subprocess | undefined;
afterEach(() => running?.kill('SIGKILL'));

function startProcess(task: RecordTask): Bun.Subprocess {
  const program = new URL('./lab/record-process.ts', import.meta.url).pathname;
  const { PATH = '', TMPDIR = '/tmp' } = process.env;
  const env = { PATH, TMPDIR, RECORD_TASK: JSON.stringify(task) };
  running = Bun.spawn([process.execPath, program], { env, stdout: 'inherit', stderr: 'inherit' });
  return running;
}

async function grown(path: string, size_bytes: number): Promise<void> {
  const until_ms = Date.now() + 30_000;
  while (statSync(path).size < size_bytes && Date.now() < until_ms) await Bun.sleep(5);
}

test(
  `killed ${KILLS} times while ${CALLERS} callers record: every acknowledged event is there, and once`,
  async () => {
    const folder = makeFolder('findings');
    const file = join(folder, 'site.db');
    const journal = join(folder, 'journal');
    writeFileSync(journal, '');
    for (let life = 0; life < KILLS; life += 1) {
      const child = startProcess({ file, journal, life, callers: CALLERS });
      await grown(journal, statSync(journal).size + 1 + Math.random() * LIFE_BYTES);
      expect(child.exitCode).toBeNull();
      child.kill('SIGKILL');
      await child.exited;
    }
    const done = readFileSync(journal, 'utf8').match(/(?<=^done )\S+$/gm) ?? [];
    const warnings: string[] = [];
    const store = openSiteStore({ file, parts: [FINDINGS_PART], warn: (words) => warnings.push(words) });
    const found = store.database
      .query<{ number: string }, []>("select metadata ->> 'number' as number from events")
      .all()
      .map(({ number }) => number);
    const open = store.database
      .query<{ check_type: string }, []>("select subject, opening_seq from findings where state = 'open'")
      .all();
    const states = store.database
      .query<{ check_type: string }, []>('select subject from checks where finding_id is not null')
      .all();
    store.stop();
    expect(warnings).toEqual([]);
    expect(done.length).toBeGreaterThan(KILLS * CALLERS);
    expect(new Set(found).size).toBe(found.length);
    const there = new Set(found);
    expect(done.filter((number) => !there.has(number))).toEqual([]);
    // What an event has changed stands or falls with it.
    expect(open).toHaveLength(states.length);
  },
  KILLS * 12_000,
);

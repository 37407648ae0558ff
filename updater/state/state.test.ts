import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HISTORY_KEEP } from '../limits.ts';
import { appendHistory, readHistory } from './history.ts';
import { jsonFile } from './json-file.ts';
import { takeLock } from './lock.ts';
import { type PastUpdate, PendingUpdate, RejectedReleases, UpdateProgress } from './records.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-update-state-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const PENDING: PendingUpdate = {
  format: 1,
  version: '1.3.0',
  slot: 'B',
  root_hash: 'b'.repeat(64),
  bundle: 'c'.repeat(64),
  from: { slot: 'A', version: '1.2.0', root_hash: 'a'.repeat(64) },
  method: 'full',
  fetched_bytes: 1,
  written_at: '2026-11-21T10:00:00Z',
  reboot: 'window',
  rollback: false,
};
const past = (version: string): PastUpdate => ({
  at: '2026-11-21T10:00:00Z',
  outcome: 'succeeded',
  version,
  from_version: '1.0.0',
  slot: 'A',
  root_hash: null,
  method: null,
  fetched_bytes: 0,
  reason: 'the health gate committed it',
  console_tail: [],
});

describe('a state file', () => {
  test.each([
    ['pending.json', PendingUpdate, PENDING],
    ['rejected.json', RejectedReleases, { format: 1, releases: [] }],
    [
      'update.json',
      UpdateProgress,
      {
        format: 1,
        state: 'failed',
        phase: 'checking',
        version: null,
        slot: null,
        method: null,
        done_bytes: 0,
        total_bytes: null,
        fetched_bytes: 0,
        fetch_total_bytes: null,
        started_at: 'x',
        updated_at: 'x',
        message: '',
        code: 'FETCH_STATUS',
      },
    ],
  ] as const)('%s comes back as it was written, readable for the agent', (name, schema, value) => {
    const path = join(folder, 'new', name);
    const file = jsonFile(path, schema, 'this');
    expect(file.read()).toEqual({ condition: 'missing' });
    file.write(value as never);
    expect(file.read()).toEqual({ condition: 'ok', value });
    expect(readdirSync(join(folder, 'new'))).toEqual([name]);
    expect(statSync(path).mode & 0o777).toBe(0o644);
    file.remove();
    expect(file.read()).toEqual({ condition: 'missing' });
  });

  test('that is cut anywhere, empty or of another form is damaged and never half believed', () => {
    const path = join(folder, 'pending.json');
    const file = jsonFile(path, PendingUpdate, 'this');
    file.write(PENDING);
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length - 2; length += 1) {
      writeFileSync(path, whole.subarray(0, length));
      expect(file.read().condition, `${length} bytes`).toBe('damaged');
    }
    writeFileSync(path, JSON.stringify({ ...PENDING, slot: 'C' }));
    expect(file.read()).toMatchObject({ condition: 'damaged', message: expect.stringContaining('/slot') });
  });

  test('that cannot be written says so, and the old one stands', () => {
    const path = join(folder, 'pending.json');
    const file = jsonFile(path, PendingUpdate, 'the pending update');
    file.write(PENDING);
    // Root may write anywhere, but not a file where a folder stands: here, where the new one is put together.
    mkdirSync(`${path}.new`);
    expect(() => file.write({ ...PENDING, version: '9.9.9' })).toThrow(/cannot write the pending update/);
    expect(file.read()).toEqual({ condition: 'ok', value: PENDING });
  });
});

describe('the history', () => {
  test('keeps what was added, in order, over a torn line', () => {
    const path = join(folder, 'sub/history.jsonl');
    expect(readHistory(path)).toEqual([]);
    appendHistory(path, past('1.1.0'));
    appendFileSync(path, '{"at":"2026-');
    appendHistory(path, past('1.2.0'));
    expect(readHistory(path).map(({ version }) => version)).toEqual(['1.1.0', '1.2.0']);
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  test('forgets the oldest and not the latest', () => {
    const path = join(folder, 'history.jsonl');
    writeFileSync(
      path,
      Array.from({ length: 2 * HISTORY_KEEP }, (_, n) => `${JSON.stringify(past(`1.${n}.0`))}\n`).join(''),
    );
    appendHistory(path, past('2.0.0'));
    const kept = readHistory(path);
    expect(kept).toHaveLength(HISTORY_KEEP + 1);
    expect(kept.at(-1)?.version).toBe('2.0.0');
    expect(kept[0]?.version).toBe(`1.${HISTORY_KEEP}.0`);
  });
});

describe('the lock', () => {
  test('is held by one at a time and free again when it is released', () => {
    const path = join(folder, 'lock');
    const release = takeLock(path);
    expect(() => takeLock(path)).toThrow(expect.objectContaining({ code: 'UPDATE_RUNNING' }));
    release();
    takeLock(path)();
  });

  test('of a process that is killed is free at once, whatever it left behind', async () => {
    const path = join(folder, 'lock');
    const script = `
      const { takeLock } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.ts'))});
      takeLock(${JSON.stringify(path)});
      console.log('held');
      setInterval(() => {}, 1000);`;
    const holder = Bun.spawn([process.execPath, '-e', script], {
      stdout: 'pipe',
      env: { PATH: '/usr/bin:/bin' },
    });
    for await (const chunk of holder.stdout) if (Buffer.from(chunk).toString().includes('held')) break;
    expect(() => takeLock(path)).toThrow(expect.objectContaining({ code: 'UPDATE_RUNNING' }));
    holder.kill('SIGKILL');
    await holder.exited;
    takeLock(path)();
  });

  test('is waited for as long as that was wanted', async () => {
    const path = join(folder, 'lock');
    const holder = Bun.spawn(['flock', path, 'sh', '-c', 'echo held; sleep 0.5'], { stdout: 'pipe' });
    for await (const chunk of holder.stdout) if (Buffer.from(chunk).toString().includes('held')) break;
    expect(() => takeLock(path)).toThrow(expect.objectContaining({ code: 'UPDATE_RUNNING' }));
    takeLock(path, 5)();
    await holder.exited;
  });

  test('is not inherited by a program that is started meanwhile', async () => {
    const path = join(folder, 'lock');
    const release = takeLock(path);
    const child = Bun.spawn(['sleep', '60']);
    release();
    takeLock(path)();
    child.kill();
    await child.exited;
  });

  test('can be taken by nobody but root, and where it cannot be made, that is said', () => {
    const path = join(folder, 'lock');
    takeLock(path)();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => takeLock(join(folder, 'none/lock'))).toThrow(
      expect.objectContaining({ code: 'UPDATE_LOCK_FAILED' }),
    );
  });
});

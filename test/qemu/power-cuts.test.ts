import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { run } from '../../base/run.ts';
import type { Verdict } from '../../health-gate/verdict-schema.ts';
import type { Status } from '../../status-page/status.ts';
import { type Appliance, applianceForTest } from './fixtures/appliance.ts';
import { BUILD } from './fixtures/image.ts';
import { installedDisk } from './fixtures/installed-disk.ts';
import { createOverlay } from './harness/disk.ts';
import { readExt4File, withPartition } from './harness/disk-content.ts';
import { DISK_TOOL_TIMEOUT_MS } from './harness/limits.ts';
import type { DiskFile } from './harness/options.ts';
import { COMMITTED, choicesOf, stateOnDisk } from './slot-on-trial.ts';

/**
 * Power cuts at random moments, ten in the full run and four in the other. BULKHEAD_SEED repeats a run, as far as machines that differ in speed allow: the
 * moments are shares of the time that the first boot took.
 */

const CUTS = process.env['BULKHEAD_FULL'] === '1' ? 10 : 4;
/** Twelve boots, most of them cut short: 7 minutes alone on this computer. Each also waits for its turn. */
const TIMEOUT_MS = 60 * 60_000;
/** The earliest moment: before it, only firmware has run. */
const FIRST_CUT_MS = 4_000;
/** The latest moment, as a share of a whole boot: what runs after the commit is cut too. */
const LAST_CUT_SHARE = 1.2;
/** A moment within its part is drawn in whole thousandths: evenly drawn floating-point numbers are nearly all tiny. */
const SHARE_PARTS = 1_000;
/** Between two looks at what the appliance reports. */
const LOOK_PAUSE_MS = 150;
const DATA = 'MSP-DATA';
const JOURNAL = '/health/verdicts.jsonl';

interface Cut {
  at_ms: number;
  diskCache: 'kept' | 'lost';
}

test(`${CUTS} power cuts lose nothing that was reported written, and the appliance is healthy after them`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const seed = Number(process.env['BULKHEAD_SEED'] ?? Date.now() % 1_000_000_000);
  console.log(`power cuts: BULKHEAD_SEED=${seed}`);
  const disks = diskChain(await installedDisk('power-cuts'));
  const reported = new Map<string, Verdict>();

  // A first boot that is left to finish: how long one takes, who the appliance is, and a change by an operator whose
  // success is reported in the moment before the power goes.
  const first = await applianceForTest(await disks.next(), { name: 'cuts-first' });
  const { identity, health } = await first.judged();
  expect(health.outcome).toBe('healthy');
  note(reported, health.verdicts);
  const whole_ms = first.machine.elapsed_ms;
  const change = await first.ssh('bulkhead config set site_id after-the-cut');
  await first.machine.cutPower('lost');
  expect(change).toMatchObject({ code: 0 });

  for (const [index, cut] of planCuts(seed, whole_ms).entries()) {
    const appliance = await applianceForTest(await disks.next(), { name: `cut-${index + 1}` });
    const last = await watchUntil(appliance, cut.at_ms, reported);
    await appliance.machine.cutPower(cut.diskCache);
    const [choice] = choicesOf(appliance.machine.serialText);
    const reached = last ? `page: ${last.health.outcome}` : (choice ?? 'firmware');
    console.log(
      `cut ${index + 1} at ${Math.round(cut.at_ms / 1000)} s, disk cache ${cut.diskCache}: ${reached}`,
    );
    if (choice) expect(choice).toMatch(/^A/);
    if (last) expect(last.identity).toEqual({ ...identity, siteId: 'after-the-cut' });
  }

  const disk = await disks.next();
  const after = await applianceForTest(disk, { name: 'cuts-after' });
  const status = await after.judged();
  expect(status.health.outcome).toBe('healthy');
  expect(status.boot).toMatchObject({ slot: 'A', contradiction: null });
  expect(status.identity).toEqual({ ...identity, siteId: 'after-the-cut' });
  const [verdict] = status.health.verdicts;
  expect(verdict).toMatchObject({ bootId: status.boot.bootId, action: 'commit' });
  note(reported, status.health.verdicts);
  await after.machine.cutPower('lost');

  expect(reported.size).toBeGreaterThanOrEqual(2);
  const kept = new Map((await journalOn(disk)).map((entry) => [entry.id, entry]));
  for (const [id, entry] of reported) expect(kept.get(id)).toEqual(entry);
  expect(await stateOnDisk(disk)).toEqual(COMMITTED);
  // 0: nothing to do, 1: the journal was replayed and small things set right; from 4 on something was wrong.
  const checked = await withPartition(disk, DATA, 'read', (image) =>
    run('e2fsck', ['-f', '-p', image], { timeout_ms: DISK_TOOL_TIMEOUT_MS }),
  );
  expect(checked.code, checked.stdout + checked.stderr).toBeLessThanOrEqual(1);
});

/** One moment out of each equal part of the time that a boot takes, in random order. */
function planCuts(seed: number, whole_ms: number): Cut[] {
  const span_ms = whole_ms * LAST_CUT_SHARE - FIRST_CUT_MS;
  const parts = Array.from({ length: CUTS }, (_, index) => index);
  const plan = fc.tuple(
    fc.shuffledSubarray(parts, { minLength: CUTS }),
    fc.array(fc.nat(SHARE_PARTS), { minLength: CUTS, maxLength: CUTS }),
    fc.array(fc.constantFrom('kept' as const, 'lost' as const), { minLength: CUTS, maxLength: CUTS }),
  );
  const [[order, shares, caches] = [parts, [], []]] = fc.sample(fc.noBias(plan), { seed, numRuns: 1 });
  return order.map((part, index) => ({
    at_ms: FIRST_CUT_MS + ((part + (shares[index] ?? 0) / SHARE_PARTS) / CUTS) * span_ms,
    diskCache: caches[index] ?? 'kept',
  }));
}

/**
 * Looks at the page until the moment has come, and notes every verdict that it reports.
 *
 * @param at_ms since power-on
 * @returns what the page last said, undefined when it never answered
 */
async function watchUntil(
  appliance: Appliance,
  at_ms: number,
  reported: Map<string, Verdict>,
): Promise<Status | undefined> {
  const { machine } = appliance;
  let last: Status | undefined;
  for (;;) {
    const left_ms = Math.ceil(at_ms - machine.elapsed_ms);
    if (left_ms <= 0) return last;
    try {
      const answer = await machine.http(80).get('/api/v1/status', { signal: AbortSignal.timeout(left_ms) });
      last = answer.json() as Status;
      note(reported, last.health.verdicts);
    } catch {
      // Nobody answers yet, or the moment came first: both are what this test is about.
    }
    await Bun.sleep(Math.min(LOOK_PAUSE_MS, Math.max(0, at_ms - machine.elapsed_ms)));
  }
}

function note(reported: Map<string, Verdict>, verdicts: readonly Verdict[]): void {
  for (const verdict of verdicts) reported.set(verdict.id, verdict);
}

/** The journal on a disk whose machine is off; a line that a cut tore is no verdict and was never reported. */
async function journalOn(disk: DiskFile): Promise<Verdict[]> {
  const bytes = await readExt4File(disk, DATA, JOURNAL);
  const lines = new TextDecoder().decode(bytes).split('\n').filter(Boolean);
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Verdict];
    } catch {
      return [];
    }
  });
}

/**
 * The same disk, anew for every boot: each overlay is fresh, so that every write needs new space in the file and a cut
 * that loses the disk's cache loses all that was not flushed.
 */
function diskChain(installed: DiskFile): { next(): Promise<DiskFile> } {
  const folder = join(BUILD, 'boot-disks', `power-cuts-${process.pid}-${Date.now()}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  let current = installed;
  let links = 0;
  return {
    async next() {
      links += 1;
      current = await createOverlay(join(folder, `${links}.qcow2`), current);
      return current;
    },
  };
}

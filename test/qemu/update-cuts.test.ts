import { afterAll, expect, test } from 'vitest';
import { readManifest } from './fixtures/image.ts';
import { removeVariants } from './fixtures/variants.ts';
import { bootCuts } from './power-log/boot-cuts.ts';
import { chooseCuts } from './power-log/chosen-cuts.ts';
import { readDiskShape } from './power-log/disk-shape.ts';
import { judgeUpdate } from './power-log/judge-update.ts';
import { logUpdate, powerFolder } from './power-log/logged-update.ts';
import { WriteLog } from './power-log/write-log.ts';

/**
 * Every power cut of an update: what a machine writes while it installs a release, tries it and commits it is logged, and every disk
 * that the log could have left behind is judged; some of them are booted. How: docs/develop/power-cuts.md.
 *
 * BULKHEAD_SEED repeats the samples of a run. Only in the full run: an update, its judge and the boots take an hour.
 */
const SEED = Number(process.env['BULKHEAD_SEED'] ?? Date.now() % 1_000_000_000);
const FULL = process.env['BULKHEAD_FULL'] === '1';
/** Four boots and an update for the log, then a boot for each cut; each waits for its turn. */
const TIMEOUT_MS = 6 * 60 * 60_000;
/** Sixteen boundaries, several on both sides, and some torn or with losses. */
const BOOTS_MIN = 25;
/** After these the same command is given again. */
const REPEATED = ['after: half of the data, all lost', 'slot complete'];

afterAll(removeVariants);

test.runIf(FULL)(
  'whatever moment of an update the power is cut in, the disk boots a complete release (only in the full run)',
  {
    timeout: TIMEOUT_MS,
  },
  async () => {
    const update = await logUpdate(powerFolder(), readManifest().version);
    const log = new WriteLog(update.log);
    try {
      const shape = await readDiskShape(update.base.path);
      const { report, prefixes, phases, faults, faultCount, withoutState } = await judgeUpdate(
        log,
        update,
        shape,
        SEED,
      );
      console.log(report);
      expect(faults).toEqual([]);
      expect({ faultCount, withoutState }).toEqual({ faultCount: 0, withoutState: 0 });
      expect(phases.map(({ name }) => name)).toEqual([
        ...['before the update', 'slot no longer good', 'header cleared', 'first data', 'first checkpoint'],
        ...['half of the data', 'all data', 'tree and footer', 'slot complete', 'transfer journal gone'],
        ...['pending record', 'armed', 'trial counted', 'verdict recorded', 'committed', 'history written'],
        'pending record gone',
      ]);

      const cuts = chooseCuts(phases, prefixes);
      expect(cuts.length).toBeGreaterThanOrEqual(BOOTS_MIN);
      await bootCuts(log, update, shape, prefixes, cuts, REPEATED);
    } finally {
      log.close();
    }
  },
);

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { measureChecks } from './ceilings.ts';
import { measureEnrolment } from './enrolment.ts';
import type { Effort } from './limits.ts';
import { measureSize } from './measure-size.ts';
import { renderPage } from './page.ts';
import type { CoordinatorResults, LoadFigures } from './results.ts';

const EFFORT: Effort = { sizes: [60], load_ms: 300, page_samples: 2, enrolments: 20 };
const MINUTE_MS = 60_000;

/** Of a load that a coordinator took without a word. */
const taken = (answered: number) => ({
  ...{ answered, refused: 0, median_ms: expect.any(Number), p99_ms: expect.any(Number) },
});

test(
  'a small fleet is measured from end to end, and the page tells what was measured',
  async () => {
    const folder = makeFolder('bench');
    const said: string[] = [];
    const size = await measureSize(60, EFFORT, { data: join(folder, 'fleet') }, true, (text) =>
      said.push(text),
    );
    expect(size).toMatchObject({ appliances: 60, senders: 60, alone: taken(60) });
    for (const load of [size.device, size.session]) {
      expect(load.refused).toBe(0);
      expect(load.answered).toBeGreaterThan(0);
    }
    expect(size.pages.every(({ median_ms }) => median_ms > 0)).toBe(true);
    expect(size.memory_heard_bytes).toBeGreaterThan(20_000_000);
    expect(size.look?.full_blocked_ms).toBeGreaterThan(0);
    const enrolment = await measureEnrolment(join(folder, 'new'), EFFORT.enrolments);
    expect(enrolment).toMatchObject(taken(20));
    expect(renderPage(resultsOf(size, enrolment))).toContain('| SQLite, 60 appliances: with a session key |');
  },
  3 * MINUTE_MS,
);

test('both kinds of signature are checked, the shared secret many times as fast', () => {
  const { ed25519_per_s, session_per_s } = measureChecks();
  expect(session_per_s).toBeGreaterThan(3 * ed25519_per_s);
});

test('the page says whether the target was met, and when the computer was busy', () => {
  const load: LoadFigures = { ...taken(1), per_s: 1, per_core_s: 20_000, median_ms: 1, p99_ms: 2 };
  const size: CoordinatorResults['sqlite'][number] = {
    ...{ appliances: 1000, senders: 1000, device: load, session: load, alone: load, pages: [] },
    ...{ memory_start_bytes: 1, memory_heard_bytes: 1, look: null, planning: null },
  };
  const met = renderPage(resultsOf(size, load));
  expect(met).toContain('20,000 per second and core with a session key, of 14,000: met');
  expect(met).toContain('QUICK');
  expect(met).not.toContain('Rollouts over');
  expect(met).toContain('NOT IDLE');
  const slow = { ...size, session: { ...load, per_core_s: 100 } };
  expect(renderPage(resultsOf(slow, load))).toContain('NOT MET');
});

function resultsOf(size: CoordinatorResults['sqlite'][number], enrolment: LoadFigures): CoordinatorResults {
  return {
    host: {
      ...{ date: '', revision: '', cpu: '', cores: 2, memory_bytes: 1, kernel: '', qemu: '' },
      ...{ accelerator: 'tcg', load_before: [9, 9, 9], machines_before: 1 },
    },
    ...{ quick: true, ceilings: { ed25519_per_s: 1, session_per_s: 1, empty: enrolment } },
    ...{ sqlite: [size], postgres: { version: '15', size }, enrolment },
  };
}

import { expect, test } from 'vitest';
import { measureBuilds } from './builds.ts';

const FULL = process.env['BULKHEAD_FULL'] === '1';
/** Two whole builds and what they need of the package cache: four minutes on a machine of its own. */
const TIMEOUT_MS = 40 * 60_000;

test.runIf(FULL)(
  'two builds in folders, time zones, languages and with permissions of their own give the same bytes (only in the full run)',
  { timeout: TIMEOUT_MS },
  async () => {
    const { rebuild, clean } = await measureBuilds(() => undefined);
    expect(clean.slot_sha256).toBe(rebuild.slot_sha256);
    expect(clean.iso_sha256).toBe(rebuild.iso_sha256);
  },
);

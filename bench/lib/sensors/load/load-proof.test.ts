import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { GROWTH_MAX, LONGER_PROOF, SHORT_PROOF } from '../limits.ts';
import { proveLoad, type Trouble } from './load-proof.ts';

const FULL = process.env['BULKHEAD_FULL'] === '1';
const effort = FULL ? LONGER_PROOF : SHORT_PROOF;
const { sensors, per_s, seconds } = effort;

const TROUBLES: Record<Trouble, string> = {
  none: 'every event is acknowledged, and stored once',
  killed: 'and with the service killed again and again no acknowledged event is missing or there twice',
  full: 'and with its disk full for a while no acknowledged event is missing or there twice',
};

test.each(Object.entries(TROUBLES) as [Trouble, string][])(
  `${sensors} sensors and ${per_s} events a second for ${seconds} s (%s): %s`,
  async (trouble) => {
    const proof = await proveLoad(join(makeFolder('proof'), 'load'), effort, trouble);
    const made = per_s * seconds;
    expect(proof).toMatchObject({ made, acknowledged: made, stored: made, twice: 0 });
    expect(proof.pages).toBeGreaterThan(seconds);
    // The trouble did come.
    if (trouble === 'none') expect(proof).toMatchObject({ cut: 0, restarts: 0 });
    else expect(proof.cut).toBeGreaterThan(0);
    if (trouble === 'killed') expect(proof.restarts).toBeGreaterThan(FULL ? 2 : 0);
    // A heap takes half a minute to find its size.
    if (FULL) expect(proof.memory_last_bytes).toBeLessThan(proof.memory_first_bytes * (1 + GROWTH_MAX));
  },
  (effort.seconds + 360) * 1000,
);

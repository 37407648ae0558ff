import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { FULL_PROOF, GROWTH_MAX, SHORT_PROOF } from './limits.ts';
import { proveLoad } from './load-proof.ts';

const FULL = process.env['BULKHEAD_FULL'] === '1';
const effort = FULL ? FULL_PROOF : SHORT_PROOF;

test(
  `${effort.sensors} sensors and ${effort.per_s} events a second for ${effort.seconds} s: every event is acknowledged, and stored once`,
  async () => {
    const proof = await proveLoad(join(makeFolder('proof'), 'service'), effort);
    const wanted = effort.per_s * effort.seconds;
    expect(proof).toMatchObject({ sent: wanted, acknowledged: wanted, stored: wanted });
    // A heap takes half a minute to find its size.
    if (FULL) expect(proof.memory_last_bytes).toBeLessThan(proof.memory_first_bytes * (1 + GROWTH_MAX));
  },
  (effort.seconds + 180) * 1000,
);

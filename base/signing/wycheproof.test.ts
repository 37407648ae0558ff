import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { debianSourceFile } from '../../test/full/debian-source.ts';
import { verifyEd25519 } from './ed25519.ts';

/** Fetches 30 MB from the Debian mirror: only with BULKHEAD_FULL=1. ed25519.test.ts has vectors for every run. */
const FULL = process.env['BULKHEAD_FULL'] === '1';

interface Vectors {
  numberOfTests: number;
  testGroups: {
    key: { pk: string };
    tests: {
      tcId: number;
      msg: string;
      sig: string;
      result: 'valid' | 'invalid' | 'acceptable';
      comment: string;
    }[];
  }[];
}

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-wycheproof-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.runIf(FULL)(
  'every Ed25519 vector of Wycheproof is judged as it says',
  async () => {
    const file = await debianSourceFile(
      folder,
      'android-platform-external-boringssl',
      '*/wycheproof_testvectors/eddsa_test.json',
    );
    const { testGroups, numberOfTests } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
    const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
    const judged = testGroups.flatMap(({ key, tests }) =>
      tests.map(({ tcId, comment, msg, sig, result }) => {
        const verified = verifyEd25519(bytes(key.pk), bytes(msg), bytes(sig));
        return { tcId, comment, result, verified };
      }),
    );
    const valid = judged.filter(({ verified }) => verified).length;
    process.stdout.write(
      `Wycheproof: ${judged.length} vectors, ${valid} valid, ${judged.length - valid} refused\n`,
    );
    expect(judged).toHaveLength(numberOfTests);
    expect(numberOfTests).toBeGreaterThan(100);
    expect(judged.filter(({ result, verified }) => verified !== (result === 'valid'))).toEqual([]);
  },
  600_000,
);

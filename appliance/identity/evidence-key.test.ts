import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { peekStatement } from '../../protocol/evidence/statement.ts';
import { EVIDENCE_KEY } from '../../protocol/evidence/statements.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { endorsementFileOf, readEvidenceKey } from '../evidence/key.ts';
import { decideEvidenceKey, ensureEvidenceKey } from './evidence-key.ts';
import { type DeviceKey, deviceKeyFromSeed } from './key-file.ts';

const DEVICE = deviceKeyFromSeed(new Uint8Array(32).fill(7));
const ME = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

function place(device: DeviceKey = DEVICE) {
  const keyFile = join(makeFolder('evidence-key'), 'evidence.key');
  return { keyFile, owner: ME, device, now: () => new Date('2026-11-21T20:00:00Z') };
}
const statementOf = ({ keyFile }: { keyFile: string }) =>
  peekStatement(EVIDENCE_KEY, JSON.parse(readFileSync(endorsementFileOf(keyFile), 'utf8')));

describe('the key of the evidence', () => {
  test('is made once, for the site alone, and the device key vouches for it', () => {
    const at = place();
    const { key_id, how } = ensureEvidenceKey(at);
    expect(how).toBe('made');
    expect(statSync(at.keyFile).mode & 0o777).toBe(0o400);
    expect(readEvidenceKey(at.keyFile)).toMatchObject({
      signer: { key_id },
      endorsed: { device: statementOf(at).device },
    });
    expect(statementOf(at)).toMatchObject({
      replaces: null,
      device_key: Buffer.from(DEVICE.publicKey).toString('base64'),
    });
    const before = readFileSync(at.keyFile, 'utf8') + readFileSync(endorsementFileOf(at.keyFile), 'utf8');
    expect(ensureEvidenceKey(at)).toEqual({ key_id, how: 'kept' });
    expect(readFileSync(at.keyFile, 'utf8') + readFileSync(endorsementFileOf(at.keyFile), 'utf8')).toBe(
      before,
    );
  });

  test('that is damaged is replaced by another one, and the endorsement says so', () => {
    const at = place();
    const { key_id } = ensureEvidenceKey(at);
    rmSync(at.keyFile);
    writeFileSync(at.keyFile, 'garbage');
    expect(ensureEvidenceKey(at).how).toBe('made');
    expect(statementOf(at).replaces).toEqual({ key_id, reason: 'the key was damaged' });
    expect(readFileSync(`${at.keyFile}.damaged`, 'utf8')).toBe('garbage');
  });

  test.each(['missing', 'damaged'])('whose endorsement is %s is endorsed again and stays', (what) => {
    const at = place();
    const { key_id } = ensureEvidenceKey(at);
    rmSync(endorsementFileOf(at.keyFile));
    if (what === 'damaged') writeFileSync(endorsementFileOf(at.keyFile), '{}');
    expect(ensureEvidenceKey(at)).toEqual({ key_id, how: 'endorsed' });
  });

  test('does not go over to another identity of the machine', () => {
    const at = place();
    const { key_id } = ensureEvidenceKey(at);
    const other = { ...at, device: deviceKeyFromSeed(new Uint8Array(32).fill(8)) };
    const made = ensureEvidenceKey(other);
    expect(made.how).toBe('made');
    expect(made.key_id).not.toBe(key_id);
    expect(statementOf(other).replaces).toEqual({ key_id, reason: 'the device has another identity' });
    expect(ensureEvidenceKey(other).how).toBe('kept');
  });

  test.each([
    ['the key was written and its endorsement was not', 'endorsed', null],
    [
      'the new key was written, and the endorsement is still that of the old',
      'endorsed',
      'the endorsed key was not there any more',
    ],
  ])('goes on where it was interrupted: %s', (when, how, reason) => {
    const at = place();
    ensureEvidenceKey(at);
    if (reason === null) rmSync(endorsementFileOf(at.keyFile));
    else {
      const another = place();
      ensureEvidenceKey(another);
      rmSync(at.keyFile);
      writeFileSync(at.keyFile, readFileSync(another.keyFile));
    }
    expect(ensureEvidenceKey(at).how, when).toBe(how);
    expect(statementOf(at).replaces?.reason ?? null).toBe(reason);
  });

  test('cannot be used without its endorsement, or with that of another', () => {
    const at = place();
    mkdirSync(join(at.keyFile, '..'), { recursive: true });
    expect(() => readEvidenceKey(at.keyFile)).toThrowError(
      expect.objectContaining({ code: 'EVIDENCE_KEY_MISSING' }),
    );
    ensureEvidenceKey(at);
    const another = place();
    ensureEvidenceKey(another);
    rmSync(endorsementFileOf(at.keyFile));
    writeFileSync(endorsementFileOf(at.keyFile), readFileSync(endorsementFileOf(another.keyFile)));
    expect(() => readEvidenceKey(at.keyFile)).toThrowError(
      expect.objectContaining({ code: 'EVIDENCE_KEY_DAMAGED' }),
    );
  });
});

test('a key is kept only when the device of today vouches for it, and one that may be known is never replaced without a word', () => {
  for (const key of ['missing', 'empty', 'damaged', 'valid'] as const)
    for (const endorsement of ['missing', 'damaged', 'ours', 'foreign'] as const)
      for (const matches of [true, false]) {
        const decision = decideEvidenceKey({ key, endorsement, matches });
        const state = JSON.stringify({ key, endorsement, matches });
        expect(decision.act === 'keep', state).toBe(key === 'valid' && endorsement === 'ours' && matches);
        const mayBeKnown = key === 'damaged' || endorsement !== 'missing';
        if (decision.act === 'make') expect(decision.replaces !== null, state).toBe(mayBeKnown);
        if (key !== 'valid') expect(decision.act, state).toBe('make');
      }
});

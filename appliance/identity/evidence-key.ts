import { chownSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import type { Signer } from '../../base/signing/dsse.ts';
import { privateKeyFrom, signEd25519 } from '../../base/signing/ed25519.ts';
import { deviceIdOf, keyId } from '../../base/signing/key-id.ts';
import { openStatement, peekStatement, sealStatement } from '../../protocol/evidence/statement.ts';
import { EVIDENCE_KEY, type EvidenceKeyStatement } from '../../protocol/evidence/statements.ts';
import { endorsementFileOf, readEvidenceKey } from '../evidence/key.ts';
import type { FileState } from './decide.ts';
import { type DeviceKey, deviceKeyFromSeed, formatKeyFile, parseKeyFile } from './key-file.ts';
import { SEED_BYTES } from './limits.ts';
import { readIfThere, stateOf } from './make.ts';
import type { Owner } from './owner.ts';

/** What is there of the key that evidence is signed with, and of the device's word for it. */
export interface EvidenceKeyState {
  key: FileState;
  /** ours: signed by the device key of today; foreign: by another one. */
  endorsement: 'missing' | 'damaged' | 'ours' | 'foreign';
  /** The endorsement is of this key; only meaningful when there are both. */
  matches: boolean;
}

export type EvidenceKeyDecision = { act: 'keep' } | { act: 'make' | 'endorse'; replaces: string | null };

/**
 * Unlike the device key it may be made anew: a chain is known by its records, and another key begins another chain that names the one before. But
 * never silently: the device key states that it replaces one, and why. The key is written before its endorsement, so an endorsement
 * of another key is what an interruption left.
 */
export function decideEvidenceKey({ key, endorsement, matches }: EvidenceKeyState): EvidenceKeyDecision {
  if (key !== 'valid') {
    const isFirst = key !== 'damaged' && endorsement === 'missing';
    return { act: 'make', replaces: isFirst ? null : `the key was ${key}` };
  }
  if (endorsement === 'ours')
    return matches
      ? { act: 'keep' }
      : { act: 'endorse', replaces: 'the endorsed key was not there any more' };
  if (endorsement !== 'foreign') return { act: 'endorse', replaces: null };
  // The key of another identity of this machine must not speak for this one.
  return { act: matches ? 'make' : 'endorse', replaces: 'the device has another identity' };
}

export interface EvidenceKeyPlace {
  keyFile: string;
  /** Who may read the key (0400): the site's user. */
  owner: Owner;
  device: DeviceKey;
  now: () => Date;
  random?: (size_bytes: number) => Uint8Array;
}

/**
 * Makes the key that evidence is signed with, and has the device key vouch for it, where that is needed. After an interruption at any
 * point it can be called again.
 *
 * @throws BulkheadError EVIDENCE_KEY_*, and what writing throws
 */
export function ensureEvidenceKey(place: EvidenceKeyPlace): {
  key_id: string;
  how: 'kept' | 'made' | 'endorsed';
} {
  const { keyFile, owner, device } = place;
  const random = place.random ?? ((size_bytes) => crypto.getRandomValues(new Uint8Array(size_bytes)));
  const keyText = readIfThere(keyFile);
  const key = keyText === undefined ? undefined : parseKeyFile(keyText);
  const found = readEndorsementFile(endorsementFileOf(keyFile), device.publicKey);
  const named = found.statement ? Buffer.from(found.statement.evidence_key, 'base64') : undefined;
  const state = stateOf(keyText, key);
  const matches = key !== undefined && named?.equals(key.publicKey) === true;
  const decision = decideEvidenceKey({ key: state, endorsement: found.state, matches });
  let publicKey = key?.publicKey;
  if (publicKey === undefined || decision.act === 'make') {
    if (state === 'damaged') renameSync(keyFile, `${keyFile}.damaged`);
    const seed = random(SEED_BYTES);
    // Left over from an interrupted run, it would keep its mode.
    rmSync(`${keyFile}.new`, { force: true });
    writeFileAtomic(keyFile, formatKeyFile(seed), 0o400);
    publicKey = deviceKeyFromSeed(seed).publicKey;
  }
  chownSync(keyFile, owner.uid, owner.gid);
  if (decision.act !== 'keep') {
    const key_id = named === undefined ? null : keyId(named);
    const replaces = decision.replaces === null ? null : { key_id, reason: decision.replaces };
    const envelope = endorse(device, publicKey, place.now(), replaces);
    writeFileAtomic(endorsementFileOf(keyFile), `${JSON.stringify(envelope)}\n`, 0o444);
  }
  // Throws unless the disk now holds a whole key and its endorsement.
  const { key_id } = readEvidenceKey(keyFile).signer;
  return { key_id, how: decision.act === 'make' ? 'made' : decision.act === 'endorse' ? 'endorsed' : 'kept' };
}

function endorse(
  { publicKey, secretKey }: DeviceKey,
  evidenceKey: Uint8Array,
  now: Date,
  replaces: EvidenceKeyStatement['replaces'],
) {
  const signing = privateKeyFrom(secretKey.subarray(0, SEED_BYTES));
  const device: Signer = { key_id: keyId(publicKey), sign: (message) => signEd25519(signing, message) };
  const statement: EvidenceKeyStatement = {
    ...{ at: now.toISOString(), device: deviceIdOf(publicKey), format: 1, replaces },
    device_key: Buffer.from(publicKey).toString('base64'),
    evidence_key: Buffer.from(evidenceKey).toString('base64'),
  };
  return sealStatement(EVIDENCE_KEY, statement, device);
}

interface FoundEndorsement {
  state: EvidenceKeyState['endorsement'];
  statement?: EvidenceKeyStatement;
}

function readEndorsementFile(path: string, deviceKey: Uint8Array): FoundEndorsement {
  if (!statSync(path, { throwIfNoEntry: false })) return { state: 'missing' };
  try {
    const envelope: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const claimed = peekStatement(EVIDENCE_KEY, envelope);
    const signedBy = Buffer.from(claimed.device_key, 'base64');
    const statement = openStatement(EVIDENCE_KEY, envelope, [signedBy]);
    return { state: signedBy.equals(deviceKey) ? 'ours' : 'foreign', statement };
  } catch {
    // Whatever it is, nobody vouches by it.
    return { state: 'damaged' };
  }
}

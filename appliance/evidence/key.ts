import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { EVIDENCE_KEY_FILE } from '../../base/paths.ts';
import type { EnvelopeJson, Signer } from '../../base/signing/dsse.ts';
import { privateKeyFrom, signEd25519 } from '../../base/signing/ed25519.ts';
import { type EndorsedKey, readEndorsement } from '../../protocol/evidence/endorsed-key.ts';
import { parseKeyFile } from '../identity/key-file.ts';
import { SEED_BYTES } from '../identity/limits.ts';
import { SMALL_FILE_MAX_BYTES } from './limits.ts';

/** The key that records are signed with, and the word of the device key for it. */
export interface EvidenceKey {
  signer: Signer;
  endorsed: EndorsedKey;
  endorsement: EnvelopeJson;
}

/** Beside the key, for everyone: it holds nothing secret. */
export function endorsementFileOf(keyFile = EVIDENCE_KEY_FILE): string {
  return join(dirname(keyFile), 'endorsement.json');
}

/** @throws BulkheadError EVIDENCE_KEY_MISSING, EVIDENCE_KEY_DAMAGED */
export function readEvidenceKey(keyFile = EVIDENCE_KEY_FILE): EvidenceKey {
  const key = parseKeyFile(readSmall(keyFile));
  if (!key) throw damaged(keyFile, 'it holds no whole key');
  const file = endorsementFileOf(keyFile);
  const text = readSmall(file);
  try {
    const endorsement = JSON.parse(text) as EnvelopeJson;
    const endorsed = readEndorsement(endorsement, []);
    if (!Buffer.from(key.publicKey).equals(endorsed.public_key)) throw new Error('it is that of another key');
    const signing = privateKeyFrom(key.secretKey.subarray(0, SEED_BYTES));
    const signer = { key_id: endorsed.key_id, sign: (message: Uint8Array) => signEd25519(signing, message) };
    return { signer, endorsed, endorsement };
  } catch (cause) {
    throw damaged(file, 'it is no endorsement of this key', cause);
  }
}

function readSmall(path: string): string {
  try {
    if (statSync(path).size > SMALL_FILE_MAX_BYTES) throw new Error('it is too large');
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new BulkheadError('EVIDENCE_KEY_MISSING', `cannot read ${path}`, {
      cause,
      hint: "'bulkhead setup' makes the key of the evidence with each start of the machine where it is missing",
    });
  }
}

function damaged(path: string, why: string, cause?: unknown): BulkheadError {
  return new BulkheadError('EVIDENCE_KEY_DAMAGED', `cannot use ${path}: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "'bulkhead setup' makes another key, which begins another chain and says so",
  });
}

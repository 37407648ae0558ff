import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { type Envelope, preAuthEncoding, type Signer, signEnvelope } from '../../base/signing/dsse.ts';
import { type Keyset, missingSignatures, parseKeyset } from './keyset.ts';
import { unsignedKeyset } from './keyset-edit.ts';
import { readKeysetFile, serialiseKeysetFile } from './keyset-file.ts';

/** The newest set of a file, and what it lacks until anybody takes it. */
export interface KeysetState {
  set: Keyset;
  signed_by: readonly string[];
  /** Signatures that are missing: of root keys of the set before, and of its own. */
  missing: { before: number; own: number };
}

/** @throws BulkheadError what readKeysetFile and parseKeyset throw, DSSE_SIGNATURE_WRONG */
export function readKeysetState(path: string): KeysetState {
  return stateOf(readKeysetFile(path));
}

/**
 * Puts a new set behind those of a file, which is made when `before` is empty.
 *
 * @throws BulkheadError KEYS_FILE_UNWRITABLE, DSSE_SIGNATURE_WRONG
 */
export function appendKeyset(
  path: string,
  before: readonly Envelope[],
  set: Keyset,
  signers: readonly Signer[],
): KeysetState {
  return write(path, [...before, signers.reduce<Envelope>(signEnvelope, unsignedKeyset(set))]);
}

/** Adds signatures to the newest set of a file. @throws BulkheadError as readKeysetState does, KEYS_FILE_UNWRITABLE */
export function signKeyset(path: string, signers: readonly Signer[]): KeysetState {
  const { before, newest } = split(path);
  return write(path, [...before, signers.reduce<Envelope>(signEnvelope, newest)]);
}

/** What a root key that is kept elsewhere has to sign. @throws BulkheadError as readKeysetFile does */
export function keysetSigningBytes(path: string): Uint8Array {
  const { newest } = split(path);
  return preAuthEncoding(newest.payloadType, newest.payload);
}

function split(path: string): { before: readonly Envelope[]; newest: Envelope } {
  const envelopes = readKeysetFile(path);
  const newest = envelopes.at(-1);
  if (!newest) throw new BulkheadError('KEYS_FILE_INVALID', `there is no key set in ${path}`);
  return { before: envelopes.slice(0, -1), newest };
}

function stateOf(envelopes: readonly Envelope[]): KeysetState {
  const [newest, previous] = [envelopes.at(-1), envelopes.at(-2)];
  if (!newest) throw new BulkheadError('KEYS_FILE_INVALID', 'there is no key set');
  const set = parseKeyset(newest.payload);
  const missing = missingSignatures(newest, set, previous && parseKeyset(previous.payload));
  return { set, signed_by: newest.signatures.map(({ keyid }) => keyid), missing };
}

function write(path: string, envelopes: readonly Envelope[]): KeysetState {
  const state = stateOf(envelopes);
  try {
    writeFileAtomic(path, serialiseKeysetFile(envelopes));
  } catch (cause) {
    throw new BulkheadError('KEYS_FILE_UNWRITABLE', `cannot write the key sets to ${path}`, { cause });
  }
  return state;
}

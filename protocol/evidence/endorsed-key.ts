import { BulkheadError } from '../../base/errors.ts';
import { type CheckSignature, signatureCheck } from '../../base/signing/ed25519.ts';
import { deviceIdOf, keyId } from '../../base/signing/key-id.ts';
import { openStatement, peekStatement } from './statement.ts';
import { EVIDENCE_KEY } from './statements.ts';

/** A key of evidence, and whose it is. */
export interface EndorsedKey {
  key_id: string;
  public_key: Uint8Array;
  /** SHA-256 of the device key that vouches for it. */
  device: string;
  check: CheckSignature;
}

/**
 * The key that an endorsement speaks of.
 *
 * @param device_keys whose word counts; none: that of the key that the endorsement names, which proves no more than that they belong together
 * @throws BulkheadError EVIDENCE_STATEMENT_INVALID, EVIDENCE_KEY_INVALID
 */
export function readEndorsement(json: unknown, device_keys: readonly Uint8Array[]): EndorsedKey {
  const claimed = rawKey(peekStatement(EVIDENCE_KEY, json).device_key);
  const { device, device_key, evidence_key } = openStatement(
    EVIDENCE_KEY,
    json,
    device_keys.length > 0 ? device_keys : [claimed],
  );
  if (deviceIdOf(rawKey(device_key)) !== device)
    throw new BulkheadError('EVIDENCE_KEY_INVALID', 'the endorsement names another device than its key');
  if (device_keys.length > 0 && !device_keys.some((key) => deviceIdOf(key) === device))
    throw new BulkheadError('EVIDENCE_KEY_INVALID', 'the endorsement is signed for another device');
  const public_key = rawKey(evidence_key);
  const check = signatureCheck(public_key);
  if (!check) throw new BulkheadError('EVIDENCE_KEY_INVALID', 'the endorsed key is none');
  return { key_id: keyId(public_key), public_key, device, check };
}

/** @param base64 32 bytes */
export function rawKey(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { DEVICE_KEY_FILE } from '../../base/paths.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { type DeviceKey, parseKeyFile } from './key-file.ts';
import { HOSTNAME_ID_DIGITS, IDENTITY_FILE_MAX_BYTES } from './limits.ts';
import { type IdentityRecord, parseRecord } from './record.ts';

/** Who this appliance is, without anything secret. */
export interface DeviceIdentity {
  /** SHA-256 of the public key, 64 hex digits. */
  deviceId: string;
  /** Raw Ed25519 public key, 32 bytes. */
  publicKey: Uint8Array;
}

/** The record's file: beside the key, so that both are lost or kept together. */
export function recordFileOf(keyFile = DEVICE_KEY_FILE): string {
  return join(dirname(keyFile), 'device.json');
}

/**
 * The public identity, from the record alone: needs no access to the key.
 *
 * @param keyFile where the key lies; the record lies beside it
 * @throws BulkheadError IDENTITY_MISSING, IDENTITY_UNREADABLE, IDENTITY_DAMAGED
 */
export function readDeviceIdentity(keyFile = DEVICE_KEY_FILE): DeviceIdentity {
  const record = readRecord(recordFileOf(keyFile));
  return { deviceId: record.device_id, publicKey: new Uint8Array(Buffer.from(record.public_key, 'base64')) };
}

/**
 * The key pair, for signing. Demands the record as well: a key nobody recorded may still be replaced, so it must not
 * be shown to anyone (decide.ts).
 *
 * @throws BulkheadError IDENTITY_MISSING, IDENTITY_UNREADABLE, IDENTITY_DAMAGED
 */
export function readDeviceKey(keyFile = DEVICE_KEY_FILE): DeviceKey {
  const key = parseKeyFile(readText(keyFile));
  if (!key) throw damaged(keyFile, 'holds no whole device key');
  const record = readRecord(recordFileOf(keyFile));
  if (record.device_id !== deviceIdOf(key.publicKey))
    throw damaged(keyFile, 'is not the key its record names');
  return key;
}

/** `bulkhead-1a2b3c`: the host name of an appliance that was not given one. */
export function derivedHostname(deviceId: string): string {
  return `bulkhead-${deviceId.slice(0, HOSTNAME_ID_DIGITS)}`;
}

function readRecord(path: string): IdentityRecord {
  const record = parseRecord(readText(path));
  if (!record) throw damaged(path, 'holds no whole identity record');
  return record;
}

function readText(path: string): string {
  const hint = "'bulkhead setup' makes it on the first boot";
  try {
    const file = openSync(path, 'r');
    try {
      if (fstatSync(file).size > IDENTITY_FILE_MAX_BYTES) throw damaged(path, 'is too large');
      return readFileSync(file, 'latin1');
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT')
      throw new BulkheadError('IDENTITY_MISSING', `there is no ${path}`, { cause, hint });
    throw new BulkheadError('IDENTITY_UNREADABLE', `cannot read ${path}`, { cause });
  }
}

function damaged(path: string, what: string): BulkheadError {
  return new BulkheadError('IDENTITY_DAMAGED', `${path} ${what}`, { hint: NEW_IDENTITY_HINT });
}

/** What a person can do about an identity that is lost; deliberately a step nobody takes by accident. */
export const NEW_IDENTITY_HINT =
  'restore the file, or give the appliance a new identity: move the folder identity away, restart, approve it anew';

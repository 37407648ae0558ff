import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { PUBLIC_KEY_BYTES, privateKeyFrom } from '../../base/signing/ed25519.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { exampleFingerprint } from '../../protocol/messages/example-fingerprint.ts';
import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';

/**
 * Who a simulated appliance is: all of it follows from the seed of its fleet and its place there, so that nothing has to be kept, and the
 * same fleet comes again with the same seed.
 */
export interface Identity {
  /** 32 raw bytes. */
  public_key: Uint8Array;
  key_id: string;
  hostname: string;
  serial: string;
  mac: string;
}

export function identityOf(seed: string, index: number): Identity {
  const spki = createPublicKey(privateKeyOf(seed, index)).export({ type: 'spki', format: 'der' });
  const public_key = Uint8Array.from(spki.subarray(-PUBLIC_KEY_BYTES));
  const key_id = deviceIdOf(public_key);
  const digits = digest(seed, index, 'machine').toString('hex');
  return {
    ...{ public_key, key_id },
    hostname: `bulkhead-${digits.slice(0, 6)}`,
    serial: `SIM${digits.slice(0, 12).toUpperCase()}`,
    // Locally administered: it can be nobody's real one.
    mac: `02${digits.slice(12, 22).replace(/(..)/g, ':$1')}`,
  };
}

/** The base64 form of a raw key. */
export function keyText(public_key: Uint8Array): string {
  return Buffer.from(public_key).toString('base64');
}

/** @param slot the one that runs */
export function fingerprintOf(
  { hostname, serial, mac }: Pick<Identity, 'hostname' | 'serial' | 'mac'>,
  { version, slot }: { version: string; slot: 'A' | 'B' },
): Fingerprint {
  return exampleFingerprint({
    ...{ hostname, board_serial: serial, chassis_serial: serial, product_uuid: null, primary_mac: mac },
    network_interfaces: [{ name: 'enp1s0', mac, up: true }],
    ...{ agent_version: version, image_version: version, active_slot: slot },
    // Another image has another root.
    root_hash: createHash('sha256').update(`root of ${version}`).digest('hex'),
  });
}

function privateKeyOf(seed: string, index: number): KeyObject {
  return privateKeyFrom(digest(seed, index, 'key'));
}

function digest(seed: string, index: number, what: string): Buffer {
  return createHash('sha256').update(`bulkhead-simulate 1 ${what} ${index} ${seed}`).digest();
}

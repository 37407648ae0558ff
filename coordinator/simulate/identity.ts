import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { PUBLIC_KEY_BYTES, privateKeyFrom, signEd25519 } from '../../base/signing/ed25519.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import type { RequestSigner } from '../../protocol/http-signature/sign.ts';
import type { EnrolmentFacts } from '../../protocol/messages/enrolment.ts';
import { exampleFingerprint } from '../../protocol/messages/example-fingerprint.ts';
import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';

/*
 * Who a simulated appliance is: all of it follows from the seed of its fleet and its place there, so that next to nothing has to be kept,
 * and the same fleet comes again with the same seed.
 */

/** What it says of itself. */
export interface MachineIdentity {
  hostname: string;
  serial: string;
  mac: string;
}

export function machineOf(seed: string, index: number): MachineIdentity {
  const digits = digest(seed, index, 'machine').toString('hex');
  return {
    hostname: `bulkhead-${digits.slice(0, 6)}`,
    serial: `SIM${digits.slice(0, 12).toUpperCase()}`,
    // Locally administered: it can be nobody's real one.
    mac: `02${digits.slice(12, 22).replace(/(..)/g, ':$1')}`,
  };
}

/** @returns `public_key` in base64 */
export function keyOf(seed: string, index: number): { key_id: string; public_key: string } {
  const spki = createPublicKey(privateKeyOf(seed, index)).export({ type: 'spki', format: 'der' });
  const raw = Uint8Array.from(spki.subarray(-PUBLIC_KEY_BYTES));
  return { key_id: deviceIdOf(raw), public_key: Buffer.from(raw).toString('base64') };
}

/** Signs with the device's own key, which is made for it each time: keeping ten thousand of them would be memory for nothing. */
export function deviceSigner(seed: string, index: number, key_id: string): RequestSigner {
  return { key_id, sign: (message) => signEd25519(privateKeyOf(seed, index), message) };
}

export function enrolmentFacts(
  { hostname, serial, mac }: MachineIdentity,
  { version, hardware }: { version: string; hardware: string },
): EnrolmentFacts {
  return {
    ...{ hostname, serial, mac, hardware, product_uuid: null },
    ...{ agent_version: version, image_version: version },
  };
}

/** @param slot the one that runs */
export function fingerprintOf(
  { hostname, serial, mac }: MachineIdentity,
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
  return privateKeyFrom(seedOf(seed, index));
}

/** Of the private key, 32 bytes. @param seed of the fleet */
export function seedOf(seed: string, index: number): Uint8Array {
  return digest(seed, index, 'key');
}

function digest(seed: string, index: number, what: string): Buffer {
  return createHash('sha256').update(`bulkhead-simulate 1 ${what} ${index} ${seed}`).digest();
}

import { createHash } from 'node:crypto';
import { type Static, Type as t } from '@sinclair/typebox';
import { SlotName, Unknowable } from '../../base/schema.ts';
import { INTERFACES_MAX } from '../limits.ts';
import { FactText, Mac, Sha256, Version } from './parts.ts';

/** What an appliance is and runs. A change of any field is reported at once, as a state report. */
export const Fingerprint = t.Object({
  hostname: FactText,
  os: Unknowable(FactText),
  kernel: Unknowable(FactText),
  memory_bytes: Unknowable(t.Integer({ minimum: 0 })),
  cpu_brand: Unknowable(FactText),
  cpu_cores: Unknowable(t.Integer({ minimum: 1 })),
  cpu_microcode: Unknowable(FactText),
  board_serial: Unknowable(FactText),
  product_uuid: Unknowable(FactText),
  chassis_serial: Unknowable(FactText),
  bios_version: Unknowable(FactText),
  root_uuid: Unknowable(FactText),
  root_hash: Unknowable(Sha256),
  network_interfaces: t.Array(t.Object({ name: FactText, mac: Unknowable(Mac), up: t.Boolean() }), {
    maxItems: INTERFACES_MAX,
  }),
  primary_mac: Unknowable(Mac),
  primary_address: Unknowable(FactText),
  gateway: Unknowable(FactText),
  tpm_present: Unknowable(t.Boolean()),
  secure_boot_enabled: Unknowable(t.Boolean()),
  fips_mode: Unknowable(t.Boolean()),
  agent_version: Version,
  agent_build_hash: Unknowable(Sha256),
  image_version: Unknowable(Version),
  active_slot: Unknowable(SlotName),
  firewall_hash: Unknowable(Sha256),
  configuration_hash: Unknowable(Sha256),
});
export type Fingerprint = Static<typeof Fingerprint>;
export type FingerprintField = keyof Fingerprint;

const FIELDS = Object.keys(Fingerprint.properties) as FingerprintField[];

/** A fingerprint with its fields in their order and no others, so that equal ones are equal texts. */
export function fingerprintText(fingerprint: Fingerprint): string {
  return JSON.stringify(fingerprint, [...FIELDS, 'name', 'mac', 'up']);
}

/** Names a fingerprint in a heartbeat: the coordinator asks for the whole when it knows another. */
export function fingerprintDigest(fingerprint: Fingerprint): string {
  return createHash('sha256').update(fingerprintText(fingerprint)).digest('hex');
}

export interface FieldChange {
  field: FingerprintField;
  before: unknown;
  after: unknown;
}

/** What is different, in the order of the fields. */
export function fingerprintChanges(before: Fingerprint, after: Fingerprint): FieldChange[] {
  return FIELDS.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field])).map(
    (field) => ({
      ...{ field, before: before[field], after: after[field] },
    }),
  );
}

import {
  type Fingerprint,
  type FingerprintField,
  fingerprintChanges,
} from '../../protocol/messages/fingerprint.ts';
import type { ChangeReason } from '../../protocol/messages/reports.ts';

/** What says that another release runs. */
const RELEASE_FIELDS: ReadonlySet<FingerprintField> = new Set([
  'agent_version',
  'agent_build_hash',
  'image_version',
  'root_hash',
]);

/** Which release ran when something was last told; kept over restarts. */
export type ToldRelease = Pick<Fingerprint, 'agent_version' | 'image_version' | 'root_hash'>;

/** Why a fingerprint is told that differs from the one before; null when it does not. Pure. */
export function reasonOfChange(before: Fingerprint, after: Fingerprint): ChangeReason | null {
  const fields = fingerprintChanges(before, after).map(({ field }) => field);
  if (fields.length === 0) return null;
  if (fields.some((field) => RELEASE_FIELDS.has(field))) return 'deployment';
  return fields.includes('configuration_hash') ? 'config_change' : 'state_delta';
}

/** Why the first fingerprint of a process is told. Pure. @param told null: nothing is remembered */
export function reasonOfStart(told: ToldRelease | null, now: Fingerprint): ChangeReason {
  if (told === null) return 'startup';
  const { agent_version, image_version, root_hash } = now;
  const same =
    told.agent_version === agent_version &&
    told.image_version === image_version &&
    told.root_hash === root_hash;
  return same ? 'startup' : 'deployment';
}

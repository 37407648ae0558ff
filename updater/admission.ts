import { BulkheadError } from '../base/errors.ts';
import { formatBytes } from '../base/text.ts';
import type { Slot } from '../partitions/slot.ts';
import type { BundleManifest } from './bundle/manifest.ts';
import type { RejectedReleases } from './state/records.ts';

/** What the machine is and has, as far as an update depends on it. */
export interface UpdateMachine {
  /** Name in `compatible`; null for hardware that is not listed. */
  hardware: string | null;
  running: { slot: Slot; version: string; root_hash: string };
  /** Length of the partition of the other slot. */
  target_bytes: number;
  rejected: RejectedReleases['releases'];
}

/** What an operator may say to have a refusal set aside. */
export interface Allowances {
  anyHardware?: boolean;
  downgrade?: boolean;
  rejected?: boolean;
}

/**
 * Whether a release may be installed on this machine: everything that can be said before the first byte of its
 * payload. Pure.
 *
 * @throws BulkheadError UPDATE_WRONG_HARDWARE, UPDATE_ALREADY_RUNNING, UPDATE_DOWNGRADE, UPDATE_STEP_MISSING,
 *         UPDATE_REJECTED_BEFORE, UPDATE_SLOT_TOO_SMALL, UPDATE_WRONG_BASE
 */
export function admitRelease(
  manifest: BundleManifest,
  machine: UpdateMachine,
  allowed: Allowances = {},
): void {
  const { version, slot, replaces_min, compatible, base } = manifest;
  const { running, hardware, target_bytes } = machine;
  if (!allowed.anyHardware && !(hardware !== null && compatible.includes(hardware))) {
    throw new BulkheadError(
      'UPDATE_WRONG_HARDWARE',
      `release ${version} is for ${compatible.join(', ')}; this machine is ${hardware ?? 'not listed'}`,
      { hint: 'take the release for this hardware; --any-hardware installs it all the same' },
    );
  }
  if (slot.root_hash === running.root_hash) {
    throw new BulkheadError(
      'UPDATE_ALREADY_RUNNING',
      `release ${version} is what runs from slot ${running.slot}`,
    );
  }
  if (!allowed.downgrade && Bun.semver.order(version, running.version) < 0) {
    throw new BulkheadError(
      'UPDATE_DOWNGRADE',
      `release ${version} is older than ${running.version}, which runs`,
      {
        hint: 'bulkhead update rollback returns to the slot before; --allow-downgrade installs an older release',
      },
    );
  }
  if (replaces_min !== undefined && Bun.semver.order(running.version, replaces_min) < 0) {
    throw new BulkheadError(
      'UPDATE_STEP_MISSING',
      `release ${version} replaces ${replaces_min} and later; ${running.version} runs`,
      { hint: `install release ${replaces_min} first` },
    );
  }
  const rejection = machine.rejected.find(
    (release) => release.version === version || release.root_hash === slot.root_hash,
  );
  if (rejection && !allowed.rejected) {
    throw new BulkheadError(
      'UPDATE_REJECTED_BEFORE',
      `release ${version} was tried on ${rejection.at} and given up: ${rejection.reason}`,
      { hint: 'publish a repaired release; --retry-rejected tries this one again' },
    );
  }
  if (slot.blob_bytes > target_bytes) {
    throw new BulkheadError(
      'UPDATE_SLOT_TOO_SMALL',
      `release ${version} needs ${formatBytes(slot.blob_bytes)}, a slot here has ${formatBytes(target_bytes)}`,
      { hint: 'install a smaller release, or this appliance anew on a larger disk' },
    );
  }
  if (base && base.root_hash !== running.root_hash) {
    throw new BulkheadError(
      'UPDATE_WRONG_BASE',
      `the delta to ${version} starts from ${base.version} with root hash ${base.root_hash.slice(0, 16)}; what runs has ${running.root_hash.slice(0, 16)}`,
      { hint: 'take the full bundle' },
    );
  }
}

import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureDeviceIdentity, type IdentityOutcome } from '../identity/make.ts';
import { agentOwner } from '../identity/owner.ts';
import { executeActions } from './execute.ts';
import type { SetupPaths } from './paths.ts';
import { bootedByBulkhead } from './require-appliance.ts';

/**
 * The device key of a machine that is no appliance and runs the agent all the same: made on the first start, left alone ever
 * after. On an appliance the set-up of the boot does it, which knows whether the data partition is there; here nothing happens.
 *
 * @returns null on an appliance
 * @throws BulkheadError IDENTITY_DAMAGED
 */
export function ensureHostIdentity(paths: SetupPaths): IdentityOutcome | null {
  if (paths.root === '' && bootedByBulkhead(readFileSync(paths.kernelCommandLine, 'utf8'))) return null;
  const msp = agentOwner(paths.passwd) ?? { uid: 0, gid: 0 };
  const folder = dirname(paths.deviceKey);
  mkdirSync(dirname(folder), { recursive: true });
  executeActions([
    { kind: 'folder', step: 'data', path: folder, mode: 0o750, owner: { uid: 0, gid: msp.gid } },
  ]);
  return ensureDeviceIdentity(paths.deviceKey, msp);
}

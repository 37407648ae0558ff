import { ACCESS } from './access.ts';
import { AUDIT } from './audit.ts';
import { CONFIGURATION } from './configuration.ts';
import type { Control } from './control.ts';
import { ENDPOINTS } from './endpoints.ts';
import { IDENTITY } from './identity.ts';
import { INTEGRITY } from './integrity.ts';
import { NETWORK } from './network.ts';
import { SYSTEM } from './system.ts';

/** The controls of the appliance itself, in the order in which they are shown. */
export const APPLIANCE_CONTROLS: readonly Control[] = [
  ...ACCESS,
  ...AUDIT,
  ...CONFIGURATION,
  ...IDENTITY,
  ...SYSTEM,
  ...NETWORK,
  ...INTEGRITY,
];

/** The register: every control, those of the machines that sensors watch included. */
export const REGISTER: readonly Control[] = [...APPLIANCE_CONTROLS, ...ENDPOINTS];

const byId = new Map(REGISTER.map((control) => [control.id, control]));
const byApplianceCheck = new Map(APPLIANCE_CONTROLS.map((control) => [control.check, control]));
const byEndpointCheck = new Map(ENDPOINTS.map((control) => [control.check, control]));

export function findControl(id: string): Control | undefined {
  return byId.get(id);
}

/**
 * The control that a check speaks of. The same word is one control on the appliance and another on a machine beside it: `firewall` here is
 * nftables, there whatever that machine has.
 */
export function controlOfCheck(subject: string, check_type: string): Control | undefined {
  return (subject === 'appliance' ? byApplianceCheck : byEndpointCheck).get(check_type);
}

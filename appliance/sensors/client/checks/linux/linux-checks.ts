import type { Check } from '../check.ts';
import { diskCheck } from './disk.ts';
import { firewallCheck } from './firewall.ts';
import { patchesCheck } from './patches.ts';
import { servicesCheck } from './services.ts';
import { sshCheck } from './ssh.ts';
import { timeCheck } from './time.ts';
import { usersCheck } from './users.ts';

/** What the sensor looks at on Linux. */
export const LINUX_CHECKS: readonly Check[] = [
  ...[patchesCheck, sshCheck, firewallCheck, diskCheck, servicesCheck, timeCheck, usersCheck],
];

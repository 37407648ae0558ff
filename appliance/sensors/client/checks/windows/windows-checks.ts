import type { Check } from '../check.ts';
import type { PowerShell } from './powershell.ts';
import { protectionChecks } from './protection.ts';
import { remoteManagementCheck } from './remote-management.ts';

/** What the sensor looks at on Windows. */
export function windowsChecks(ask: PowerShell): readonly Check[] {
  return [...protectionChecks(ask), remoteManagementCheck(ask)];
}

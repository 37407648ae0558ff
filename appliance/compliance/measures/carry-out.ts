import type { Sight } from '../look/sight.ts';
import type { Measure, MeasureName } from '../register/measure.ts';
import {
  measureConfiguration,
  measureFallback,
  measureImageAge,
  measureJudged,
  measureSecureBoot,
  measureVerity,
  measureWatchdog,
} from './boot.ts';
import {
  measureEncrypted,
  measureFile,
  measureMount,
  measurePasswords,
  measurePrivileged,
  measureSpace,
} from './files.ts';
import {
  measureCrashRecord,
  measureMandatoryAccess,
  measureMitigations,
  measureNoExecute,
  measureSysctl,
} from './kernel.ts';
import { type Measured, notApplicable } from './measured.ts';
import {
  measureFirewall,
  measureFirewallFresh,
  measureFirewallPorts,
  measureListeners,
  measureWireless,
} from './network.ts';
import { measureCountersigned, measureEvidence, measureOffset, measureSynchronised } from './records.ts';
import { measureAuditDaemon, measureNotRunning, measureRunning, measureSandbox } from './services.ts';
import { measureSshAttempts, measureSshIdle, measureSshSetting } from './ssh.ts';

type Carry<Name extends MeasureName> = (measure: Extract<Measure, { name: Name }>, sight: Sight) => Measured;

const alone =
  (measure: (sight: Sight) => Measured) =>
  (_: unknown, sight: Sight): Measured =>
    measure(sight);

/** A function for every name: one that is missing does not compile. */
const MEASURES: { readonly [Name in MeasureName]: Carry<Name> } = {
  sysctl: measureSysctl,
  'ssh-setting': measureSshSetting,
  'ssh-idle': measureSshIdle,
  'ssh-attempts': measureSshAttempts,
  mount: measureMount,
  file: measureFile,
  'units-running': measureRunning,
  'units-not-running': measureNotRunning,
  sandbox: measureSandbox,
  firewall: alone(measureFirewall),
  'firewall-ports': alone(measureFirewallPorts),
  'firewall-fresh': alone(measureFirewallFresh),
  listeners: alone(measureListeners),
  'accounts-privileged': alone(measurePrivileged),
  'accounts-passwords': alone(measurePasswords),
  'evidence-whole': alone(measureEvidence),
  'evidence-countersigned': alone(measureCountersigned),
  'audit-daemon': alone(measureAuditDaemon),
  'clock-synchronised': alone(measureSynchronised),
  'clock-offset': alone(measureOffset),
  'crash-record': alone(measureCrashRecord),
  'root-verity': alone(measureVerity),
  'boot-judged': alone(measureJudged),
  'fallback-slot': alone(measureFallback),
  'image-age': alone(measureImageAge),
  configuration: alone(measureConfiguration),
  'secure-boot': alone(measureSecureBoot),
  'no-execute': alone(measureNoExecute),
  'processor-mitigations': alone(measureMitigations),
  'wireless-off': alone(measureWireless),
  'data-encrypted': alone(measureEncrypted),
  'mandatory-access': alone(measureMandatoryAccess),
  watchdog: alone(measureWatchdog),
  'data-space': alone(measureSpace),
  sensor: () => notApplicable('sensors tell it'),
};

/** One measure of one sight. Pure. */
export function carryOut<Name extends MeasureName>(
  measure: Extract<Measure, { name: Name }>,
  sight: Sight,
): Measured {
  const carry: Carry<Name> = MEASURES[measure.name as Name];
  return carry(measure, sight);
}

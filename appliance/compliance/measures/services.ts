import type { Sight } from '../look/sight.ts';
import type { Units } from '../look/units.ts';
import { fails, holds, judge, type Measured, unknown } from './measured.ts';

const NO_SYSTEMD = unknown('systemd cannot be asked');

export function measureRunning(
  { units: wanted }: { units: readonly string[] | 'critical' },
  sight: Sight,
): Measured {
  const names = wanted === 'critical' ? sight.criticalUnits : wanted;
  if (names === null) return unknown('the image names no critical units');
  const { units } = sight;
  if (units === null) return NO_SYSTEMD;
  const states = names.map((name) => ({ name, state: units[name]?.['ActiveState'] }));
  return judge(
    states.flatMap(({ name, state }) =>
      state === undefined || isGood(state) || state === 'activating' ? [] : [`${name} is ${state}`],
    ),
    states.flatMap(({ name, state }) =>
      state === undefined || state === 'activating' ? [`${name} is ${state ?? 'not told of'}`] : [],
    ),
    names.length === 1 ? `${names[0]} is active` : `all ${names.length} are active`,
  );
}

export function measureNotRunning(
  { units: names }: { units: readonly string[] },
  { units }: Sight,
): Measured {
  if (units === null) return NO_SYSTEMD;
  const states = names.map((name) => ({ name, state: units[name]?.['ActiveState'] }));
  return judge(
    states.flatMap(({ name, state }) =>
      state !== undefined && (isGood(state) || state === 'activating') ? [`${name} is ${state}`] : [],
    ),
    states.flatMap(({ name, state }) => (state === undefined ? [`${name} is not told of`] : [])),
    'none of them runs',
  );
}

export function measureSandbox(
  { units: wanted }: { units: Readonly<Record<string, readonly string[]>> },
  { units }: Sight,
): Measured {
  if (units === null) return NO_SYSTEMD;
  const faults = Object.entries(wanted).flatMap(([name, capabilities]) =>
    sandboxFaults(units[name], capabilities).map((fault) => `${name} ${fault}`),
  );
  return judge(faults, [], `${Object.keys(wanted).join(' and ')} can do no more than they need`);
}

function sandboxFaults(unit: Units[string] | undefined, allowed: readonly string[]): string[] {
  if (unit === undefined || unit['LoadState'] !== 'loaded') return ['is not there'];
  const capabilities = (unit['CapabilityBoundingSet'] ?? 'not told').split(' ').filter((each) => each !== '');
  const beyond = capabilities.filter((each) => !allowed.includes(each));
  const user = unit['User'] ?? '';
  return [
    ...(user === '' || user === 'root' ? ['runs as root'] : []),
    ...(unit['NoNewPrivileges'] === 'yes' ? [] : ['may gain privileges']),
    ...(unit['ProtectSystem'] === 'strict' ? [] : ['sees a writable system']),
    ...(beyond.length === 0 ? [] : [`has ${beyond.length > 5 ? 'all capabilities' : beyond.join(', ')}`]),
  ];
}

export function measureAuditDaemon({ units }: Sight): Measured {
  if (units === null) return NO_SYSTEMD;
  const { LoadState: load, ActiveState: state } = units['auditd.service'] ?? {};
  if (state === undefined) return unknown('auditd.service is not told of');
  if (load === 'not-found') return fails('there is no auditd');
  return isGood(state) ? holds('auditd.service is active') : fails(`auditd.service is ${state}`);
}

function isGood(state: string): boolean {
  return state === 'active' || state === 'reloading' || state === 'refreshing';
}

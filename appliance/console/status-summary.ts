import { formatBytes, formatDuration } from '../../base/text.ts';
import type { Status } from '../../status-page/status.ts';

/** What `bulkhead status` prints: the same facts as the page, for a terminal. Pure. */
export function summariseStatus(status: Status): string {
  const { identity, version, boot, health, system, time, network, firewall, coordinator } = status;
  const latest = health.verdicts.find(({ bootId }) => bootId === boot.bootId);
  const rows: [name: string, value: string][] = [
    ['Health', health.outcome + (latest === undefined ? '' : `: ${latest.reason}`)],
    ...failedChecks(latest),
    ['Host', joined([identity.hostname, identity.product])],
    ['Device', identity.deviceId ?? UNKNOWN],
    ['Site', identity.siteId ?? 'not configured'],
    ['Version', joined([version.running, version.revision, `kernel ${version.kernel}`])],
    ...(version.program === version.running
      ? []
      : [row('', `attention: the program says ${version.program}`)]),
    [
      'Slot',
      `${boot.slot ?? UNKNOWN} (${joined([boot.mode, attempt(boot), `boot state ${boot.stateFile}`])})`,
    ],
    ...(boot.contradiction === null ? [] : [row('', `attention: ${boot.contradiction}`)]),
    ...status.slots.map((slot) =>
      row(
        '',
        `${slot.slot}  ${slot.state.padEnd(8)} ${slot.version ?? 'no version known'}${slot.running ? '  running' : ''}`,
      ),
    ),
    ['Uptime', joined([formatDuration(system.uptime_s), `load ${system.load.join(' ') || UNKNOWN}`])],
    [
      'Memory',
      `${formatBytes(system.memory.used_bytes)} of ${formatBytes(system.memory.total_bytes)}, agent ${formatBytes(system.memory.agent_bytes)}`,
    ],
    ['Data disk', dataDisk(system.dataDisk)],
    ['Temperature', system.temperature_c === null ? UNKNOWN : `${system.temperature_c.toFixed(1)} C`],
    [
      'Watchdog',
      system.watchdog.present
        ? joined([system.watchdog.identity ?? 'present', seconds(system.watchdog.timeout_s)])
        : 'none',
    ],
    ['Time', joined([time.now, time.zone, synchronised(time)])],
    [
      'Network',
      joined([
        network.primaryAddress ?? 'no address',
        `gateway ${network.gateway ?? 'none'}`,
        `DNS ${network.dns.join(' ') || 'none'}`,
      ]),
    ],
    ['Firewall', firewallLine(firewall)],
    ['Coordinator', joined([coordinator.url, coordinator.message])],
    ...linkRows(coordinator.link),
    ...status.services
      .filter(({ state }) => state !== 'running' && state !== 'done')
      .map(({ unit, state }) => row('Service', `${unit} is ${state}`)),
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)} ${printable(value)}`.trimEnd()).join('\n');
}

const UNKNOWN = 'not known';

function row(name: string, value: string): [string, string] {
  return [name, value];
}

function joined(parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join(', ');
}

function failedChecks(verdict: Status['health']['verdicts'][number] | undefined): [string, string][] {
  const failed = verdict?.checks.filter(({ outcome }) => outcome === 'fail') ?? [];
  return failed.map(({ name, decisive, message }) =>
    row('', `${decisive ? 'failed' : 'observed'} ${name}: ${message}`),
  );
}

function attempt({ attempt: number, maxAttempts }: Status['boot']): string | null {
  return number === null ? null : `attempt ${number} of ${maxAttempts}`;
}

function dataDisk({ total_bytes, used_bytes, readOnly }: Status['system']['dataDisk']): string {
  if (total_bytes === null || used_bytes === null) return 'none mounted';
  return `${formatBytes(used_bytes)} of ${formatBytes(total_bytes)}${readOnly ? ', READ-ONLY' : ''}`;
}

function seconds(value: number | null): string | null {
  return value === null ? null : `${value} s`;
}

function synchronised({ synchronised: is, server, offset_ms }: Status['time']): string {
  if (is === null) return 'nobody synchronises it';
  const offset = offset_ms === null ? '' : `, offset ${offset_ms} ms`;
  return `${is ? 'synchronised' : 'not synchronised'}${server === null ? '' : ` with ${server}`}${offset}`;
}

function firewallLine({ loaded, rules, openPorts, checkedAt }: Status['firewall']): string {
  if (checkedAt === null) return 'nothing known since this boot';
  return `${loaded ? 'loaded' : 'NOT loaded'}, ${rules} rules, open ${openPorts.join(' ') || 'nothing'}`;
}

function linkRows(link: Status['coordinator']['link']): [string, string][] {
  if (link === null) return [];
  const { codeExpiresAt, lastContactAt, clockOffset_ms, waiting } = link;
  const { log, state, refused } = waiting.dropped;
  const until = codeExpiresAt === null ? null : `the code is shown until ${codeExpiresAt}`;
  const contact = lastContactAt === null ? 'no contact yet' : `last contact ${lastContactAt}`;
  const clock = clockOffset_ms === null ? null : `its clock is ${clockOffset_ms} ms ahead`;
  const queue = [
    `${waiting.records} messages`,
    waiting.oldestAt === null ? null : `oldest ${waiting.oldestAt}`,
    waiting.memoryOnly === null ? null : `in memory only: ${waiting.memoryOnly}`,
    log + state + refused === 0 ? null : `given up: ${log} log, ${state} state, ${refused} refused`,
  ];
  return [row('', joined([until, contact, clock])), row('Waiting', joined(queue))];
}

/** The agent's words end up on an administrator's terminal; as on the console, only printable ASCII gets through. */
function printable(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, '?');
}

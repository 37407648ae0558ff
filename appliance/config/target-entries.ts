import { TARGET_INTERVAL_DEFAULT_S } from './limits.ts';
import { LINUX_CHECKS, type TargetConfig, WINDOWS_CHECKS } from './schema-targets.ts';

const SSH_PORT = 22;
const WINRM_PORT = 5985;
const WINRM_TLS_PORT = 5986;

/** A fault of one field of one entry. */
interface EntryFault {
  path: readonly string[];
  message: string;
}

/** Fills in what an entry of a target may leave out, so that the type has no optional parts. */
export function completeTarget(entry: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const platform = entry['platform'] ?? (entry['way'] === 'winrm' ? 'windows' : 'linux');
  const winrmPort = entry['certificate_sha256'] ? WINRM_TLS_PORT : WINRM_PORT;
  return {
    platform,
    port: entry['way'] === 'winrm' ? winrmPort : SSH_PORT,
    password: null,
    password_file: null,
    key: null,
    key_file: null,
    host_key: null,
    certificate_sha256: null,
    tier: 'monitor_only',
    checks: [...(platform === 'windows' ? WINDOWS_CHECKS : LINUX_CHECKS)],
    interval_s: TARGET_INTERVAL_DEFAULT_S,
    ...entry,
  };
}

/** What the schema cannot say: fields that contradict each other, and a peer whose identity nobody has written down. */
export function targetFaults(targets: readonly TargetConfig[]): EntryFault[] {
  const seen = new Set<string>();
  return targets.flatMap((target, index) => {
    const faults = target.way === 'ssh' ? sshFaults(target) : winrmFaults(target);
    if (seen.has(target.name)) faults.push(['name', `'${target.name}' has an entry already`]);
    seen.add(target.name);
    faults.push(...checkFaults(target));
    return faults.map(([field, message]) => ({ path: [String(index), field], message }));
  });
}

type Fault = [field: keyof TargetConfig, message: string];

function sshFaults(target: TargetConfig): Fault[] {
  const { password, password_file, key, key_file } = target;
  const faults: Fault[] = [];
  if (target.platform !== 'linux') faults.push(['platform', 'Windows machines are reached by winrm']);
  if (target.host_key === null) {
    faults.push([
      'host_key',
      "is missing: without it anybody could answer in that machine's place; 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' there prints it",
    ]);
  }
  if (target.certificate_sha256 !== null)
    faults.push(['certificate_sha256', 'belongs to winrm; ssh has host_key']);
  if (counted(password, password_file, key, key_file) !== 1)
    faults.push(['name', 'needs exactly one of password, password_file, key and key_file']);
  return faults;
}

function winrmFaults(target: TargetConfig): Fault[] {
  const { password, password_file, key, key_file, port, certificate_sha256 } = target;
  const faults: Fault[] = [];
  if (target.platform !== 'windows') faults.push(['platform', 'Linux machines are reached by ssh']);
  if (target.host_key !== null) faults.push(['host_key', 'belongs to ssh; winrm has certificate_sha256']);
  if (counted(key, key_file) > 0) faults.push([key === null ? 'key_file' : 'key', 'belongs to ssh']);
  if (counted(password, password_file) !== 1)
    faults.push(['name', 'needs exactly one of password and password_file']);
  if (port === WINRM_TLS_PORT && certificate_sha256 === null)
    faults.push(['certificate_sha256', `is missing: port ${WINRM_TLS_PORT} speaks TLS`]);
  if (port === WINRM_PORT && certificate_sha256 !== null)
    faults.push(['port', `${WINRM_PORT} speaks no TLS; certificate_sha256 goes with ${WINRM_TLS_PORT}`]);
  return faults;
}

function checkFaults({ checks, platform }: TargetConfig): Fault[] {
  const known: readonly string[] = platform === 'windows' ? WINDOWS_CHECKS : LINUX_CHECKS;
  const other = checks.filter((check) => !known.includes(check));
  return other.length === 0 ? [] : [['checks', `${other.join(', ')}: no check of ${platform}`]];
}

function counted(...values: readonly (string | null)[]): number {
  return values.filter((value) => value !== null).length;
}

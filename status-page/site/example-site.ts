import type { SiteReport } from './report.ts';

const NOW = '2026-11-21T12:00:00.000Z';
const EARLIER = '2026-11-21T11:48:00.000Z';

/** A site with everything on it: a live, a silent and a revoked sensor, two who wait, findings, healings. For tests. */
export function exampleSite(): SiteReport {
  const sensor = {
    ...{ way: 'http' as const, tier: 'self_heal' as const, os_version: 'Debian 12', agent_version: '1.4.0' },
    ...{
      state: 'live' as const,
      last_heard_at: '2026-11-21T11:59:48.000Z',
      open_findings: 0,
      newer_version: null,
    },
  };
  const asking = {
    ...{ way: 'http', os_version: 'Debian 12', agent_version: '1.4.0', since: EARLIER, approved: false },
  };
  const machine = { subject: 's-1111111111111111', hostname: 'till-1' };
  const healing = {
    ...machine,
    check_type: 'firewall',
    action: 'restore_firewall',
    attempt: 1,
    dry_run: false,
  };
  return {
    ...{ generated_at: NOW, hostname: 'msp-7b2e90a1' },
    counts: {
      sensors: { live: 1, silent: 1, revoked: 1 },
      waiting: 2,
      findings: { critical: 0, high: 1, medium: 1, low: 0, info: 0 },
      healings: { detected: 0, acting: 1, verifying: 0, healed: 7, not_healed: 2, gave_up: 1, refused: 3 },
      events: 4096,
    },
    sensors: [
      { ...sensor, id: machine.subject, hostname: machine.hostname, open_findings: 2 },
      {
        ...{
          ...sensor,
          id: 's-2222222222222222',
          hostname: 'till-2',
          state: 'silent',
          last_heard_at: EARLIER,
        },
        ...{ way: 'grpc', newer_version: '1.5.0' },
      },
      { ...sensor, id: 's-3333333333333333', hostname: 'old-pc', state: 'revoked', last_heard_at: null },
    ],
    waiting: [
      { ...asking, fingerprint: '1a2b3c4d', address: '192.168.1.31', hostname: 'desk-7' },
      { ...asking, fingerprint: '99887766', address: '192.168.1.32', hostname: 'desk-8' },
    ],
    machines: [
      {
        ...{ name: 'files', address: '192.168.1.5', platform: 'linux', way: 'ssh', tier: 'self_heal' },
        ...{ looked_at: EARLIER, reachable: true, failing: ['patches'] },
      },
    ],
    findings: [
      {
        ...{ ...machine, check_type: 'firewall', severity: 'high', opened_at: EARLIER, times_seen: 3 },
        ...{ expected: 'a rule set', actual: 'no rules are loaded' },
      },
      {
        ...{ ...machine, check_type: 'patches', severity: 'medium', opened_at: EARLIER, times_seen: 1 },
        ...{ expected: '', actual: '12 updates wait' },
      },
    ],
    events: [
      {
        ...{ ...machine, check_type: 'firewall', passed: false, severity: 'high', received_at: EARLIER },
        actual: 'no rules are loaded',
      },
      {
        ...{ ...machine, check_type: 'ssh', passed: true, severity: 'info', received_at: EARLIER },
        actual: 'passwords are refused',
      },
    ],
    healings: [
      { ...healing, state: 'healed', began_at: EARLIER, reason: 'the second look passed' },
      { ...healing, state: 'gave_up', attempt: 3, began_at: EARLIER, reason: 'three attempts did not help' },
    ],
    healing: {
      ...{ mode: 'on', reason: '', by_whom: '', running: 1 },
      stopped: [{ ...machine, check_type: 'patches', why: 'attempts are used up' }],
    },
    evidence: {
      ...{ records: 812, size_bytes: 1_500_000, max_bytes: 67_108_864, failure: null },
      countersigned: { records: 800, at: EARLIER },
    },
  };
}

import { describe, expect, test } from 'vitest';
import { assess } from './assess.ts';
import { blindSight, goodSight, NOON_MS } from './lab/sight.ts';
import type { Sight } from './look/sight.ts';
import { APPLIANCE_CONTROLS, findControl } from './register/register.ts';

const stateOf = (sight: Sight, id: string) => {
  const result = assess(sight).results.find(({ control }) => control.id === id);
  return { state: result?.state, seen: result?.seen };
};

test('on an appliance as it should be everything holds but what cannot, and that is justified', () => {
  const { results, problems } = assess(goodSight());
  expect(results).toHaveLength(APPLIANCE_CONTROLS.length);
  expect(problems).toEqual([]);
  const others = results.filter(({ state }) => state !== 'holds');
  expect(others.map(({ control, state }) => [control.id, state])).toEqual(
    APPLIANCE_CONTROLS.filter(({ exception }) => exception !== null).map(({ id }) => [id, 'justified']),
  );
});

test('where nothing can be seen nothing holds', () => {
  const { results } = assess(blindSight());
  expect(results.filter(({ state }) => state === 'holds' || state === 'not_applicable')).toEqual([]);
});

describe('what root saw', () => {
  test('counts for half an hour', () => {
    const sight = goodSight();
    const later = { ...sight, at_ms: NOON_MS + 31 * 60_000 };
    expect(stateOf(later, 'BH-IA-03').state).toBe('unknown');
    expect(stateOf(later, 'BH-SC-05').state).toBe('unknown');
    expect(stateOf(later, 'BH-AC-01').state).toBe('unknown');
    expect(stateOf(later, 'BH-AC-03').state).toBe('fails');
    expect(stateOf({ ...sight, at_ms: NOON_MS + 29 * 60_000 }, 'BH-IA-03').state).toBe('holds');
  });

  test('does not count when it lies ahead of the clock', () => {
    expect(stateOf({ ...goodSight(), at_ms: NOON_MS - 3_600_000 }, 'BH-IA-03').state).toBe('unknown');
  });
});

/** What is changed about a good appliance, and what is then said of a control. */
const FAULTS: readonly [id: string, state: string, seen: RegExp, change: (sight: Sight) => Partial<Sight>][] =
  [
    [
      'BH-AC-01',
      'fails',
      /differ/,
      ({ firewall }) => ({ firewall: firewall && { ...firewall, drift: true, message: 'rules differ' } }),
    ],
    [
      'BH-AC-02',
      'fails',
      /tcp\/23$/,
      ({ firewall }) => ({ firewall: firewall && { ...firewall, openPorts: ['tcp/80', 'tcp/23'] } }),
    ],
    [
      'BH-AC-02',
      'fails',
      /tcp\/22$/,
      ({ root }) => ({ root: root && { ...root, ssh: { on: false, settings: null } } }),
    ],
    [
      'BH-AC-04',
      'fails',
      /tcp\/6379$/,
      () => ({ listeners: [{ protocol: 'tcp', loopback: false, port: 6379 }] }),
    ],
    [
      'BH-AC-04',
      'fails',
      /udp\/5355$/,
      () => ({ listeners: [{ protocol: 'udp', loopback: false, port: 5355 }] }),
    ],
    [
      'BH-AC-05',
      'fails',
      /^passwordauthentication yes$/,
      ({ root }) => ({ root: root && withSsh(root, { passwordauthentication: 'yes' }) }),
    ],
    [
      'BH-AC-05',
      'not_applicable',
      /off/,
      ({ root }) => ({ root: root && { ...root, ssh: { on: false, settings: null } } }),
    ],
    [
      'BH-AC-05',
      'unknown',
      /does not tell/,
      ({ root }) => ({ root: root && { ...root, ssh: { on: true, settings: null } } }),
    ],
    [
      'BH-AC-07',
      'fails',
      /never/,
      ({ root }) => ({ root: root && withSsh(root, { clientaliveinterval: '0' }) }),
    ],
    [
      'BH-AC-07',
      'fails',
      /1200 s/,
      ({ root }) => ({ root: root && withSsh(root, { clientaliveinterval: '400' }) }),
    ],
    ['BH-AC-09', 'fails', /6 tries/, ({ root }) => ({ root: root && withSsh(root, { maxauthtries: '6' }) })],
    [
      'BH-AC-09',
      'fails',
      /without end/,
      ({ root }) => ({ root: root && withSsh(root, { logingracetime: '0' }) }),
    ],
    [
      'BH-AC-10',
      'fails',
      /debug-shell.service is active/,
      ({ units }) => ({ units: { ...units, 'debug-shell.service': { ActiveState: 'active' } } }),
    ],
    [
      'BH-AC-11',
      'fails',
      /toor has user id 0/,
      ({ accounts }) => ({ accounts: [...(accounts ?? []), { name: 'toor', uid: 0, shell: '/bin/false' }] }),
    ],
    [
      'BH-AC-11',
      'fails',
      /msp has the shell \/bin\/sh/,
      () => ({ accounts: [{ name: 'msp', uid: 990, shell: '' }] }),
    ],
    [
      'BH-AC-12',
      'fails',
      /runs as root/,
      ({ units }) => ({
        units: { ...units, 'bulkhead-site.service': { ...units?.['bulkhead-site.service'], User: '' } },
      }),
    ],
    [
      'BH-AC-12',
      'fails',
      /has cap_sys_admin/,
      ({ units }) => ({
        units: {
          ...units,
          'bulkhead-site.service': {
            ...units?.['bulkhead-site.service'],
            CapabilityBoundingSet: 'cap_sys_admin',
          },
        },
      }),
    ],
    [
      'BH-AU-01',
      'fails',
      /fork/,
      () => ({ evidence: { whole: false, message: 'a fork', countersigned_at: null } }),
    ],
    [
      'BH-AU-02',
      'fails',
      /nothing/,
      () => ({ evidence: { whole: true, message: '', countersigned_at: null } }),
    ],
    [
      'BH-AU-02',
      'fails',
      /last at/,
      () => ({ evidence: { whole: true, message: '', countersigned_at: '2026-11-01T00:00:00Z' } }),
    ],
    [
      'BH-AU-03',
      'fails',
      /journald.service is failed/,
      ({ units }) => ({ units: { ...units, 'systemd-journald.service': { ActiveState: 'failed' } } }),
    ],
    [
      'BH-AU-05',
      'fails',
      /24 hours/,
      () => ({ clock: { synchronised_ms: NOON_MS - 25 * 3_600_000, offset_ms: 0 } }),
    ],
    ['BH-AU-06', 'fails', /5 s/, () => ({ clock: { synchronised_ms: NOON_MS, offset_ms: -5_000 } })],
    ['BH-AU-06', 'unknown', /no exchange/, () => ({ clock: { synchronised_ms: NOON_MS, offset_ms: null } })],
    [
      'BH-CM-01',
      'fails',
      /writable/,
      ({ root }) => ({
        root: root && { ...root, mounts: [{ path: '/', source: 'x', type: 'ext4', options: ['rw'] }] },
      }),
    ],
    ['BH-CM-01', 'unknown', /not looked/, () => ({ verdict: null })],
    ['BH-CM-01', 'unknown', /not looked/, () => ({ bootId: 'another-boot' })],
    ['BH-CM-02', 'fails', /trial/, ({ machine }) => ({ machine: machine && withSlot(machine, 0, 'trial') })],
    [
      'BH-CM-03',
      'fails',
      /slot B is bad/,
      ({ machine }) => ({ machine: machine && withSlot(machine, 1, 'bad') }),
    ],
    ['BH-CM-04', 'fails', /2026-08-01/, () => ({ imageBuiltAt: '2026-08-01T00:00:00Z' })],
    ['BH-CM-04', 'unknown', /clock/, () => ({ imageBuiltAt: '2027-08-01T00:00:00Z' })],
    ['BH-CM-06', 'fails', /no zone/, () => ({ setupProblems: ['time.zone: no zone'] })],
    [
      'BH-CM-07',
      'fails',
      /firewall.service is inactive/,
      ({ units }) => ({ units: { ...units, 'bulkhead-firewall.service': { ActiveState: 'inactive' } } }),
    ],
    [
      'BH-CM-07',
      'unknown',
      /is activating/,
      ({ units }) => ({ units: { ...units, 'bulkhead-firewall.service': { ActiveState: 'activating' } } }),
    ],
    [
      'BH-IA-01',
      'fails',
      /mode 0644/,
      ({ root }) => ({ root: root && withFile(root, '/var/lib/msp/identity/device.key', 0o644) }),
    ],
    [
      'BH-IA-01',
      'fails',
      /there is no/,
      ({ root }) => ({ root: root && withFile(root, '/var/lib/msp/identity/device.key', 'missing') }),
    ],
    [
      'BH-IA-02',
      'not_applicable',
      /there is no/,
      ({ root }) => ({
        root: root && withFile(root, '/var/lib/msp/identity/ssh/ssh_host_ed25519_key', 'missing'),
      }),
    ],
    [
      'BH-IA-03',
      'fails',
      /empty password: guest; with a password: root/,
      ({ root }) => ({ root: root && { ...root, passwords: { set: ['root'], empty: ['guest'] } } }),
    ],
    [
      'BH-SC-01',
      'fails',
      /= 0/,
      ({ sysctls }) => ({ sysctls: { ...sysctls, 'kernel.randomize_va_space': '0' } }),
    ],
    ['BH-SC-02', 'fails', /nx/, () => ({ processor: { flags: [], vulnerabilities: {} } })],
    [
      'BH-SC-03',
      'fails',
      /mds: Vulnerable/,
      () => ({ processor: { flags: [], vulnerabilities: { mds: 'Vulnerable: no microcode' } } }),
    ],
    [
      'BH-SC-03',
      'unknown',
      /Unknown/,
      () => ({ processor: { flags: [], vulnerabilities: { mds: 'Unknown: no data' } } }),
    ],
    ['BH-SC-17', 'fails', /wlan0/, () => ({ wirelessUp: ['wlan0'] })],
    [
      'BH-SI-01',
      'fails',
      /count/,
      ({ machine }) => ({
        machine: machine && { ...machine, watchdog: { ...machine.watchdog, active: false } },
      }),
    ],
    ['BH-SI-02', 'fails', /nine tenths/, () => ({ dataDisk: { total_bytes: 10, used_bytes: 9 } })],
    [
      'BH-SI-04',
      'fails',
      /without ro/,
      ({ root }) => ({
        root: root && { ...root, mounts: [{ path: '/boot', source: 'x', type: 'vfat', options: ['rw'] }] },
      }),
    ],
    ['BH-SI-05', 'fails', /nothing is mounted/, ({ root }) => ({ root: root && { ...root, mounts: [] } })],
  ];

test.each(FAULTS)('%s: %s, because it sees %s', (id, state, seen, change) => {
  const sight = goodSight();
  const found = stateOf({ ...sight, ...change(sight) }, id);
  expect(found.state, found.seen).toBe(state);
  expect(found.seen).toMatch(seen);
});

test('a control that fails is justified to the end of its day, and then fails again', () => {
  const broken = (until: string): Sight => {
    const sight = goodSight();
    const entry = { control: 'BH-SC-17', reason: 'the site has no cable', until };
    return {
      ...sight,
      wirelessUp: ['wlan0'],
      root: sight.root && { ...sight.root, justifications: [entry] },
    };
  };
  expect(stateOf(broken('2026-11-21'), 'BH-SC-17').state).toBe('justified');
  const over = assess(broken('2026-11-20'));
  expect(over.results.find(({ control }) => control.id === 'BH-SC-17')?.state).toBe('fails');
  expect(over.problems).toEqual(['the justification of BH-SC-17 ran out on 2026-11-20']);
});

test('a justification does not hide what nobody knows, and one for no control is told', () => {
  const sight = goodSight();
  const justifications = ['BH-SC-17', 'BH-ZZ-99'].map((control) => ({
    ...{ control, reason: 'the site has no cable', until: '2027-01-01' },
  }));
  const changed = { ...sight, wirelessUp: null, root: sight.root && { ...sight.root, justifications } };
  expect(stateOf(changed, 'BH-SC-17').state).toBe('unknown');
  expect(assess(changed).problems).toEqual([
    'compliance.justifications: the appliance has no control BH-ZZ-99',
  ]);
});

test('what cannot hold is justified by the register, with what stands in its place', () => {
  const result = assess(goodSight()).results.find(({ control }) => control.id === 'BH-SC-10');
  expect(result?.justification).toEqual({
    by: 'register',
    ...findControl('BH-SC-10')?.exception,
    until: null,
  });
});

type Root = NonNullable<Sight['root']>;
const withSsh = (root: Root, more: Record<string, string>): Root => ({
  ...root,
  ssh: { on: true, settings: { ...root.ssh.settings, ...more } },
});
const withFile = (root: Root, path: string, file: number | 'missing'): Root => ({
  ...root,
  files: { ...root.files, [path]: file === 'missing' ? file : { mode: file, owner: 'root' } },
});
const withSlot = (machine: NonNullable<Sight['machine']>, at: number, state: 'trial' | 'bad') => ({
  ...machine,
  slots: machine.slots.map((slot, index) => (index === at ? { ...slot, state } : slot)),
});

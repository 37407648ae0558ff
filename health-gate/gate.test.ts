import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../base/run.ts';
import { rollBack } from '../partitions/boot-machine-linux.ts';
import type { BootState } from '../partitions/boot-state.ts';
import { readUpdateStateMirror } from '../partitions/boot-state-mirrors.ts';
import { readBootStateFromDevice, writeBootState } from '../partitions/boot-state-store.ts';
import { readBoot } from './boot-reading.ts';
import { type Check, failed, passed } from './check.ts';
import { type GateSetup, observeBoot, verifyBoot } from './gate.ts';
import { type GateEffects, gateEffects, readHealth } from './gate-effects.ts';
import { BOOT_ID, command, LabMachine, manifest } from './lab/machine.ts';
import { readMachineFacts } from './machine-facts.ts';
import { readJournal } from './verdict-journal.ts';

let machine: LabMachine;
let done: string[];
beforeEach(() => {
  machine = new LabMachine();
  done = [];
  machine.makeSlot('A', manifest('1.2.3'));
  machine.makeSlot('B', manifest('1.3.0'));
});
afterEach(() => machine.remove());

const TRIAL: BootState = { active: 'A', trial: 'B', attempts: 1, good: { A: true, B: false }, failed: null };
const NORMAL: BootState = { active: 'A', trial: null, attempts: 2, good: { A: true, B: true }, failed: null };
const well: Check = {
  name: 'well',
  decisive: true,
  timeout_ms: () => 1_000,
  find: async () => passed('fine'),
};
const ill: Check = {
  name: 'ill',
  decisive: true,
  timeout_ms: () => 1_000,
  find: async () => failed('broken'),
};

/** The real effects on real files, each noted when it is done; only the reboot is noted instead of made. */
async function prepare(check: Check, interfere: Partial<GateEffects> = {}): Promise<GateSetup> {
  const reading = await readBoot(machine.paths);
  const reboot = {
    run: () => Promise.reject(new Error('no test reboots')),
    sleep: async () => undefined,
    sysrqMaskFile: machine.at('mask'),
    sysrqTriggerFile: machine.at('trigger'),
    log: () => undefined,
  };
  const real = gateEffects(machine.paths, reading.initrd.esp, { run, reboot });
  const noted = <Args extends unknown[], Result>(
    name: string,
    effect: (...args: Args) => Promise<Result>,
  ) => {
    return async (...args: Args): Promise<Result> => {
      const answer = await effect(...args);
      done.push(name);
      return answer;
    };
  };
  const effects: GateEffects = {
    ...real,
    reboot: async () => void done.push('reboot'),
    ...interfere,
  };
  return {
    reading,
    context: machine.context({ paths: machine.paths, live: reading.live }),
    checks: [check],
    effects: {
      ...effects,
      recordVerdict: noted('journal', effects.recordVerdict),
      writeBootState: noted('boot state', effects.writeBootState),
      writeMirrors: (state) => {
        effects.writeMirrors(state);
        done.push('mirrors');
      },
      publishHealth: noted('health', effects.publishHealth),
      publishMachineFacts: noted('facts', effects.publishMachineFacts),
      compactJournal: noted('compact', effects.compactJournal),
    },
    deadline_ms: 5_000,
    version: '1.3.0',
    log: (line) => void done.push(`log: ${line}`),
  };
}

const stored = () => readBootStateFromDevice(machine.espDevice).state;
const journal = async () =>
  (await readJournal(machine.paths.verdictJournalFile)).verdicts.map(
    ({ id, outcome, action }) => `${id.replace(BOOT_ID, 'boot')} ${outcome} ${action}`,
  );

describe('a healthy boot', () => {
  test('of a trial is recorded, then committed, then shown', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    const { verdict, committed, warnings } = await verifyBoot(await prepare(well));
    expect({ committed, warnings }).toEqual({ committed: true, warnings: [] });
    expect(verdict).toMatchObject({
      id: `${BOOT_ID}-1`,
      slot: 'B',
      attempt: 1,
      version: '1.3.0',
      outcome: 'healthy',
      action: 'commit',
    });
    expect(done).toEqual(['facts', 'journal', 'boot state', 'health', 'facts', 'mirrors', 'compact']);
    const committedState = {
      active: 'B',
      trial: null,
      attempts: 0,
      good: { A: true, B: true },
      failed: null,
    };
    expect(stored()).toEqual(committedState);
    expect(readUpdateStateMirror(machine.paths.mirrors.updateState)).toEqual(committedState);
    expect(await journal()).toEqual(['boot-1 healthy commit']);
    expect(await readHealth(machine.paths.healthFile)).toEqual(verdict);
    expect(readMachineFacts(machine.paths.machineFactsFile)).toMatchObject({
      bootState: committedState,
      bootStateCondition: 'ok',
      slot: 'B',
      slotSource: 'command-line',
      attempt: 1,
      mode: 'trial',
      slots: [
        { slot: 'A', state: 'standby', running: false, version: '1.2.3' },
        { slot: 'B', state: 'active', running: true, version: '1.3.0' },
      ],
      watchdog: { present: false, armedEarly: true },
    });
  });

  test('of the active slot clears the count', async () => {
    await machine.makeEsp(NORMAL);
    machine.boots('A', { attempt: 2 });
    expect((await verifyBoot(await prepare(well))).committed).toBe(true);
    expect(stored()).toEqual({ ...NORMAL, attempts: 0 });
  });

  test('changes one sector of the ESP and nothing else', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    const before = readFileSync(machine.espDevice);
    await verifyBoot(await prepare(well));
    const after = readFileSync(machine.espDevice);
    const changed = new Set<number>();
    for (let at = 0; at < before.length; at += 512) {
      if (!before.subarray(at, at + 512).equals(after.subarray(at, at + 512))) changed.add(at);
    }
    expect(changed.size).toBe(1);
  });

  test('repairs a boot state that is damaged', async () => {
    await machine.makeEsp(new Uint8Array(512).fill(0xff));
    machine.boots('A', { attempt: 0 });
    expect((await verifyBoot(await prepare(well))).committed).toBe(true);
    expect(stored()).toEqual({
      active: 'A',
      trial: null,
      attempts: 0,
      good: { A: true, B: false },
      failed: null,
    });
  });

  test('after a roll-back says so', async () => {
    await machine.makeEsp({ ...NORMAL, failed: 'B', good: { A: true, B: false } });
    machine.boots('A', { attempt: 1 });
    const { verdict } = await verifyBoot(await prepare(well));
    expect(verdict.reason).toBe(
      'all decisive checks passed; slot B was given up and this boot rolled back to slot A',
    );
    // It stays known until the slot is written again.
    expect(stored()?.failed).toBe('B');
  });

  test('from the installation medium commits and records nothing', async () => {
    machine.write('proc/cmdline', 'bulkhead.live=1\n');
    const { verdict, committed, warnings } = await verifyBoot(await prepare(well));
    expect({ action: verdict.action, committed, warnings }).toEqual({
      action: 'none',
      committed: false,
      warnings: [],
    });
    expect(existsSync(machine.paths.verdictJournalFile)).toBe(false);
    expect(readMachineFacts(machine.paths.machineFactsFile)).toMatchObject({
      mode: 'live',
      slots: [],
      slot: null,
    });
  });
});

describe('an unhealthy boot', () => {
  test('is recorded, leaves the count as it is, and reboots last', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    const { verdict, committed } = await verifyBoot(await prepare(ill));
    expect(committed).toBe(false);
    expect(verdict.reason).toBe('a decisive check failed: ill (broken)');
    expect(done).toEqual([
      'facts',
      'journal',
      'health',
      'log: this boot is unhealthy: a decisive check failed: ill (broken)',
      'reboot',
    ]);
    expect(stored()).toEqual(TRIAL);
    expect(await journal()).toEqual(['boot-1 unhealthy reboot']);
  });

  test('in rescue stays up', async () => {
    await machine.makeEsp({ ...NORMAL, attempts: 4 });
    machine.boots('A', { mode: 'rescue', attempt: 4 });
    expect((await verifyBoot(await prepare(ill))).verdict.action).toBe('stay');
    expect(done).not.toContain('reboot');
    expect(await journal()).toEqual(['boot-1 unhealthy stay']);
  });

  test('without a boot state is counted by the gate, so that it does not go on for ever', async () => {
    await machine.makeEsp(new Uint8Array(512));
    machine.boots('A', { attempt: 0 });
    await verifyBoot(await prepare(ill));
    expect(done.filter((step) => !step.startsWith('log'))).toEqual([
      'facts',
      'journal',
      'boot state',
      'health',
      'reboot',
    ]);
    expect(stored()).toMatchObject({ active: 'A', attempts: 1, good: { A: false, B: false } });
  });

  test('that nobody can count is tried three times more and then stays up, where a person can look', async () => {
    // No file on the ESP, and nothing mounted through which to make one.
    await machine.makeEsp(null);
    machine.boots('A', { attempt: 0 });
    const actions: string[] = [];
    for (let boot = 1; boot <= 5; boot += 1) {
      const setup = await prepare(ill);
      setup.reading = { ...setup.reading, bootId: `00000000-0000-4000-8000-00000000000${boot}` };
      done = [];
      const { verdict } = await verifyBoot(setup);
      actions.push(`${verdict.action} ${done.includes('reboot') ? 'down' : 'up'}`);
      if (boot === 4) expect(verdict.reason).toMatch(/broken.*repeated for ever, so the machine stays up$/);
      if (boot === 4) expect(await readHealth(machine.paths.healthFile)).toEqual(verdict);
    }
    // The one that stayed up ended the row: whoever switches the machine off and on gets three tries again.
    expect(actions).toEqual(['reboot down', 'reboot down', 'reboot down', 'stay up', 'reboot down']);
  });

  test('that nobody can count or record stays up at once', async () => {
    await machine.makeEsp(null);
    machine.boots('A', { attempt: 0 });
    const refuse = () => Promise.reject(new Error('no space'));
    const { verdict } = await verifyBoot(await prepare(ill, { recordVerdict: refuse }));
    expect(verdict.action).toBe('stay');
    expect(done).not.toContain('reboot');
  });

  test('reboots even when nothing at all can be written', async () => {
    machine.boots('B', { mode: 'trial', espDevice: '/dev/no-such-device' });
    const refuse = () => Promise.reject(new Error('no space'));
    const { verdict, warnings } = await verifyBoot(
      await prepare(ill, { recordVerdict: refuse, publishHealth: refuse, publishMachineFacts: refuse }),
    );
    expect(verdict.action).toBe('reboot');
    expect(done.at(-1)).toBe('reboot');
    expect(warnings.length).toBeGreaterThan(0);
  });
});

describe('when a step of the gate itself fails', () => {
  test('a verdict that cannot be recorded is a failing check, and nothing is committed', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    // A folder stands where the journal should be: every write fails, for root as well.
    machine.write('data/health/verdicts.jsonl/in-the-way', '');
    const { verdict, committed } = await verifyBoot(await prepare(well));
    expect(committed).toBe(false);
    expect(verdict).toMatchObject({ outcome: 'unhealthy', action: 'reboot' });
    expect(verdict.checks.at(-1)).toMatchObject({ name: 'verdict-journal', outcome: 'fail', decisive: true });
    expect(stored()).toEqual(TRIAL);
    expect(done).not.toContain('boot state');
    expect(done.at(-1)).toBe('reboot');
  });

  test('a boot state that cannot be repaired is a second verdict, and no commit is claimed', async () => {
    // No file at all: it has to be made through the mounted ESP, and nothing is mounted there.
    await machine.makeEsp(null);
    machine.boots('A', { attempt: 0 });
    const { verdict, committed } = await verifyBoot(await prepare(well));
    expect(committed).toBe(false);
    expect(verdict).toMatchObject({ id: `${BOOT_ID}-2`, outcome: 'unhealthy', action: 'reboot' });
    expect(verdict.reason).toMatch(/^a decisive check failed: commit \(BOOT_STATE_NOT_WRITTEN/);
    expect(await journal()).toEqual(['boot-1 healthy commit', 'boot-2 unhealthy reboot']);
    expect(await readHealth(machine.paths.healthFile)).toEqual(verdict);
    expect(done.at(-1)).toBe('reboot');
  });

  test.skipIf(process.getuid?.() !== 0)('a disk that refuses the write is the same', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    // The immutable flag refuses root as well, as a write-protected disk does.
    await command('chattr', '+i', machine.espDevice);
    try {
      const { verdict, committed } = await verifyBoot(await prepare(well));
      expect(committed).toBe(false);
      expect(verdict.reason).toMatch(/commit \(BOOT_STATE_NOT_WRITTEN/);
      expect(await journal()).toEqual(['boot-1 healthy commit', 'boot-2 unhealthy reboot']);
    } finally {
      await command('chattr', '-i', machine.espDevice);
    }
    expect(stored()).toEqual(TRIAL);
  });

  test('a write that reads back as something else is no commit', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    const setup = await prepare(well);
    const { writeBootState } = setup.effects;
    // The disk takes the write and forgets it: what lies there afterwards is what lay there before.
    setup.effects.writeBootState = async (state) => {
      const before = readFileSync(machine.espDevice);
      await writeBootState(state);
      writeFileSync(machine.espDevice, before);
    };
    const { verdict, committed } = await verifyBoot(setup);
    expect(committed).toBe(false);
    expect(verdict.reason).toMatch(/commit \(GATE_COMMIT_READ_BACK/);
    expect(done.at(-1)).toBe('reboot');
  });

  test('a boot state that cannot be read any more is not replaced by a new one', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    const setup = await prepare(well);
    setup.effects.readBootState = () => ({ state: null, condition: 'unreadable' });
    const { verdict, committed } = await verifyBoot(setup);
    expect(committed).toBe(false);
    expect(verdict.reason).toMatch(/commit \(GATE_BOOT_STATE_UNREADABLE/);
    expect(stored()).toEqual(TRIAL);
  });

  test('files that only show something are warnings and do not stop a commit', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    machine.write('run/health.json/in-the-way', '');
    machine.write('data/update/update_state.json/in-the-way', '');
    const { committed, warnings } = await verifyBoot(await prepare(well));
    expect(committed).toBe(true);
    expect(warnings.map((warning) => warning.replace(/ failed: .*/, ''))).toEqual([
      'publishing the verdict',
      'writing the mirrors of the boot state',
    ]);
  });
});

test('a power cut between verdict and commit leaves a recorded verdict and a counted attempt; the next boot commits', async () => {
  await machine.makeEsp(TRIAL);
  machine.boots('B', { mode: 'trial' });
  let reached: () => void = () => undefined;
  const cut = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const setup = await prepare(well, {
    writeBootState: () => {
      reached();
      return new Promise(() => undefined);
    },
  });
  void verifyBoot(setup);
  await cut;
  expect(await journal()).toEqual(['boot-1 healthy commit']);
  expect(stored()).toEqual(TRIAL);
  expect(existsSync(machine.paths.healthFile)).toBe(false);

  const nextBoot = '11111111-2222-4333-8444-555555555555';
  machine.write('proc/sys/kernel/random/boot_id', `${nextBoot}\n`);
  await machine.makeEsp({ ...TRIAL, attempts: 2 });
  machine.boots('B', { mode: 'trial', attempt: 2 });
  expect((await verifyBoot(await prepare(well))).committed).toBe(true);
  expect(await journal()).toEqual(['boot-1 healthy commit', `${nextBoot}-1 healthy commit`]);
  expect(stored()?.active).toBe('B');
});

test('judging the same boot twice gives two verdicts with ids of their own', async () => {
  await machine.makeEsp(NORMAL);
  machine.boots('A');
  await verifyBoot(await prepare(well));
  await verifyBoot(await prepare(well));
  expect(await journal()).toEqual(['boot-1 healthy commit', 'boot-2 healthy commit']);
});

describe('a trial that an operator went back from before it was judged', () => {
  const GIVEN_UP = rollBack(TRIAL, 'B');
  const SAID = 'slot B was given up by an operator and is not committed; the next boot takes slot A';
  beforeEach(async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
  });

  test('is not committed, does not reboot, and the verdict says why', async () => {
    const setup = await prepare(well);
    writeBootState(machine.espDevice, GIVEN_UP);
    const { verdict, committed } = await verifyBoot(setup);
    expect(committed).toBe(false);
    expect(verdict).toMatchObject({ outcome: 'healthy', action: 'none' });
    expect(verdict.reason).toBe(`all decisive checks passed; ${SAID}`);
    expect(done).toEqual(['facts', 'journal', 'health', 'facts']);
    expect(stored()).toEqual(GIVEN_UP);
    expect(await readHealth(machine.paths.healthFile)).toEqual(verdict);
  });

  test('stays given up when that happens while the verdict is written', async () => {
    const setup = await prepare(well);
    const { recordVerdict } = setup.effects;
    setup.effects.recordVerdict = async (verdict) => {
      await recordVerdict(verdict);
      writeBootState(machine.espDevice, GIVEN_UP);
    };
    const { verdict, committed } = await verifyBoot(setup);
    expect([committed, verdict.action]).toEqual([false, 'none']);
    expect(await journal()).toEqual(['boot-1 healthy commit', 'boot-2 healthy none']);
    expect(done).not.toContain('reboot');
    expect(stored()).toEqual(GIVEN_UP);
  });

  test('reboots like any other when a check fails', async () => {
    const setup = await prepare(ill);
    writeBootState(machine.espDevice, GIVEN_UP);
    expect((await verifyBoot(setup)).verdict.action).toBe('reboot');
    expect(stored()).toEqual(GIVEN_UP);
  });

  test('but in rescue a slot that was given up and passes is taken', async () => {
    const ring: BootState = { ...NORMAL, attempts: 5, good: { A: false, B: false }, failed: 'B' };
    await machine.makeEsp(ring);
    machine.boots('B', { mode: 'rescue', attempt: 5 });
    expect((await verifyBoot(await prepare(well))).committed).toBe(true);
    expect(stored()).toMatchObject({ active: 'B', attempts: 0, failed: null });
  });
});

describe('observing', () => {
  test('never records, commits or reboots, and refreshes what is shown', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    await verifyBoot(await prepare(well));
    const before = { state: stored(), journal: await journal() };
    done = [];
    const { verdict } = await observeBoot(await prepare(ill));
    expect(verdict).toMatchObject({ outcome: 'unhealthy', action: 'none' });
    expect(done).toEqual(['health', 'facts']);
    expect({ state: stored(), journal: await journal() }).toEqual(before);
    expect((await readHealth(machine.paths.healthFile))?.outcome).toBe('unhealthy');
  });

  test('does not call a boot healthy that nobody has verified yet', async () => {
    await machine.makeEsp(TRIAL);
    machine.boots('B', { mode: 'trial' });
    await observeBoot(await prepare(well));
    expect(await readHealth(machine.paths.healthFile)).toBeNull();
    expect(readMachineFacts(machine.paths.machineFactsFile)?.slot).toBe('B');
    expect(stored()).toEqual(TRIAL);
  });
});

test('a machine that our boot loader did not start is neither judged nor rebooted', async () => {
  machine.write('proc/cmdline', readFileSync('/proc/cmdline'));
  await expect(readBoot(machine.paths)).rejects.toMatchObject({ code: 'GATE_NOT_AN_APPLIANCE' });
});

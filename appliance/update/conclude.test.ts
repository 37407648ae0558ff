import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { takeLock } from '../../updater/state/lock.ts';
import { cancelUpdate } from './cancel.ts';
import { concludePending } from './conclude.ts';
import { installCommand } from './install-command.ts';
import { ApplianceLab } from './lab/appliance-lab.ts';
import { forgetUpdates, rollBackCommand } from './operate.ts';
import { rebootWhenDue } from './reboot-when-due.ts';

/** What becomes of an update over the boots that follow it. */

let lab: ApplianceLab;
beforeEach(async () => {
  lab = new ApplianceLab();
  await lab.install();
});
afterEach(() => lab.remove());

const install = async (version: string, options: Parameters<typeof installCommand>[3] = {}) =>
  installCommand(lab.tools, lab.io, [await lab.release(version)], options);
const conclude = () => concludePending(lab.tools);
const refused = (code: string) => expect.objectContaining({ code });
const rejected = () => {
  const reading = lab.tools.rejected.read();
  return reading.condition === 'ok' ? reading.value.releases.map(({ version }) => version) : [];
};
async function failTrial(): Promise<void> {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await lab.boot();
    expect(lab.running).toBe('B');
    await lab.judge('unhealthy');
  }
  await lab.boot();
  await lab.judge('healthy');
}

describe('an update', () => {
  test('whose trial is committed has succeeded, once', async () => {
    await install('1.1.0');
    await lab.boot();
    expect(await conclude()).toMatchObject({ outcome: 'waiting' });
    await lab.judge('healthy');
    expect(await conclude()).toMatchObject({ outcome: 'succeeded', entry: { version: '1.1.0' } });
    expect(await conclude()).toMatchObject({ outcome: 'nothing' });
    expect(lab.history).toHaveLength(1);
    expect(lab.tools.pending.read().condition).toBe('missing');
  });

  test('whose boots all fail is remembered with the reason, and refused from then on', async () => {
    await install('1.1.0');
    await failTrial();
    expect(lab.running).toBe('A');
    expect(await conclude()).toMatchObject({
      outcome: 'rolled_back',
      entry: { reason: 'the health gate refused it: agent: does not answer' },
    });
    await expect(install('1.1.0')).rejects.toEqual(refused('UPDATE_REJECTED_BEFORE'));
  });

  test('whose failed trial nobody has concluded is concluded by the next installation', async () => {
    await install('1.1.0');
    await failTrial();
    await expect(install('1.1.0')).rejects.toEqual(refused('UPDATE_REJECTED_BEFORE'));
    expect(lab.history.map(({ outcome }) => outcome)).toEqual(['rolled_back', 'failed']);
    await install('1.2.0');
    expect(rejected()).toEqual(['1.1.0']);
    await forgetUpdates(lab.tools, false);
    expect(rejected()).toEqual([]);
  });

  test('is told by the order of boots, whatever the clock of the trial said', async () => {
    await install('1.1.0');
    lab.now = new Date('2001-01-01T00:00:00Z');
    await failTrial();
    expect((await conclude()).entry?.reason).toBe('the health gate refused it: agent: does not answer');
  });

  test('whose record was damaged is in the history as such, and the next one can be installed', async () => {
    await install('1.1.0');
    lab.machine.write('data/update/pending.json', '{"format":');
    expect(await conclude()).toMatchObject({ outcome: 'failed' });
    expect(lab.history[0]?.reason).toContain('UPDATE_STATE_DAMAGED');
    await install('1.2.0');
    expect(lab.versionOf('B')).toBe('1.2.0');
  });

  test('that lost its power between record and arming is armed, and may be rebooted into by this boot', async () => {
    await install('1.1.0', { reboot: true });
    await cancelButKeepRecord();
    await lab.boot();
    await lab.judge('healthy');
    expect(await conclude()).toMatchObject({ outcome: 'armed' });
    expect(await rebootWhenDue(lab.tools)).toMatchObject({ rebooting: true });
  });

  test('waits for nobody who holds the lock: the unit tries again', async () => {
    await install('1.1.0');
    const release = takeLock(lab.tools.slots.paths.updateLockFile);
    await expect(conclude()).rejects.toEqual(refused('UPDATE_RUNNING'));
    release();
    expect(await conclude()).toMatchObject({ outcome: 'waiting' });
  });

  test('keeps key sets of the device that cannot be read as they are, and tells', async () => {
    await install('1.1.0');
    lab.machine.write('data/update/keyset.json', 'torn');
    await lab.boot();
    await lab.judge('healthy');
    expect((await conclude()).message).toContain('KEYS_DEVICE_SET_IGNORED');
    expect(lab.history[0]?.reason).toContain('KEYS_DEVICE_SET_IGNORED');
    expect(readFileSync(lab.tools.paths.deviceKeyset, 'utf8')).toBe('torn');
    await forgetUpdates(lab.tools, true);
    await install('1.2.0');
    await lab.boot();
    await lab.judge('healthy');
    expect((await conclude()).message).toBe('1.2.0: the health gate committed it');
    expect(existsSync(lab.tools.paths.deviceKeyset)).toBe(true);
  });
});

/** The state of a power cut after the record was written and before the sector was. */
async function cancelButKeepRecord(): Promise<void> {
  const path = lab.machine.at('data/update/pending.json');
  const record = readFileSync(path);
  await cancelUpdate(lab.tools);
  writeFileSync(path, record);
}

describe('where the boot loader cannot save its count', () => {
  test('an armed release is rebooted into once, and then given up instead of rebooting for ever', async () => {
    await install('1.1.0', { reboot: true });
    expect(lab.rebooted).toBe(true);
    lab.ran.splice(0);
    await lab.boot({ canSave: false });
    await lab.judge('healthy');
    expect(lab.running).toBe('A');
    expect(await rebootWhenDue(lab.tools)).toMatchObject({
      rebooting: false,
      message: '1.1.0 was armed in an earlier boot and the boot loader passed it over',
    });
    expect(await conclude()).toMatchObject({ outcome: 'failed' });
    expect(lab.state).toMatchObject({ active: 'A', trial: null, attempts: 0 });
    expect(rejected()).toEqual([]);
    expect(lab.rebooted).toBe(false);
  });
});

describe('rebooting into an armed release', () => {
  const WINDOW = "update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n";
  beforeEach(async () => {
    lab.configure(WINDOW);
    await install('1.1.0', { reboot: true });
  });

  test('waits for the clock, then for the window', async () => {
    expect((await rebootWhenDue(lab.tools)).message).toContain('the clock was not synchronised yet');
    lab.clockSynchronised();
    expect((await rebootWhenDue(lab.tools)).message).toContain('2026-11-22T02:00:00.000Z');
    lab.now = new Date('2026-11-22T02:30:00Z');
    expect(await rebootWhenDue(lab.tools)).toMatchObject({ rebooting: true });
  });

  test('does not take a mistake elsewhere in the configuration for the absence of a window', async () => {
    lab.configure(`${WINDOW}ssh:\n  authorized_keys: [nonsense]\n`);
    lab.clockSynchronised();
    expect((await rebootWhenDue(lab.tools)).message).toContain('UPDATE_CONFIG_REFUSED');
    expect(lab.rebooted).toBe(false);
    lab.configure('');
    expect(await rebootWhenDue(lab.tools)).toMatchObject({ rebooting: true });
  });
});

describe('going back', () => {
  async function onTrial(): Promise<void> {
    await install('1.1.0');
    await lab.boot();
    expect(lab.running).toBe('B');
  }

  test('from a committed release tries the one before, in the window', async () => {
    await onTrial();
    await lab.judge('healthy');
    lab.configure("update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n");
    const report = await rollBackCommand(lab.tools, true);
    expect(report).toMatchObject({ slot: 'A', version: '1.0.0', gaveUp: false, rebooting: false });
    expect(lab.history.map(({ outcome }) => outcome)).toEqual(['succeeded']);
    await lab.boot();
    await lab.judge('healthy');
    expect(await conclude()).toMatchObject({ outcome: 'succeeded' });
    expect(rejected()).toEqual(['1.1.0']);
  });

  test('out of a trial reboots at once, window or not, and the gate of that boot does not undo it', async () => {
    lab.configure("update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n");
    await onTrial();
    const report = await rollBackCommand(lab.tools, true);
    expect(report).toMatchObject({ gaveUp: true, rebooting: true });
    expect(lab.rebooted).toBe(true);
    await lab.judge('healthy');
    expect(lab.state).toMatchObject({ active: 'A', failed: 'B' });
    await lab.boot();
    expect(lab.running).toBe('A');
    await lab.judge('healthy');
    expect(await conclude()).toMatchObject({
      outcome: 'rolled_back',
      entry: { reason: 'an operator went back from it' },
    });
    expect(rejected()).toEqual(['1.1.0']);
  });

  test('out of a trial without --reboot says that it has to', async () => {
    await onTrial();
    const report = await rollBackCommand(lab.tools, false);
    expect(report).toMatchObject({
      rebooting: false,
      message:
        'slot B is given up; the next boot takes 1.0.0 in slot A; reboot now: nothing can be installed before',
    });
    expect(lab.rebooted).toBe(false);
  });
});

describe('taking an update back', () => {
  test('leaves the running slot, says so in the history, and allows the release again', async () => {
    await install('1.1.0', { reboot: true });
    expect(await cancelUpdate(lab.tools)).toEqual({
      message: 'slot B is not tried; the next boot takes slot A again',
    });
    expect(lab.state).toMatchObject({ active: 'A', trial: null, good: { A: true, B: false } });
    expect(lab.history).toMatchObject([{ outcome: 'cancelled', version: '1.1.0' }]);
    expect(lab.tools.pending.read().condition).toBe('missing');
    await lab.boot();
    expect(lab.running).toBe('A');
    await lab.judge('healthy');
    await install('1.1.0');
  });

  test('of a roll-back leaves the other slot as good as it was', async () => {
    await install('1.1.0');
    await lab.boot();
    await lab.judge('healthy');
    await rollBackCommand(lab.tools, false);
    await cancelUpdate(lab.tools);
    expect(lab.state).toMatchObject({ active: 'B', trial: null, good: { A: true, B: true } });
  });

  test('is refused where nothing waits, and once the trial has begun', async () => {
    await expect(cancelUpdate(lab.tools)).rejects.toEqual(refused('UPDATE_NOTHING_TO_CANCEL'));
    await install('1.1.0');
    await lab.boot();
    await expect(cancelUpdate(lab.tools)).rejects.toEqual(refused('BOOT_SLOT_IN_USE'));
    expect(lab.tools.pending.read()).not.toHaveProperty('value.withdrawn');
  });
});

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Run } from '../../base/run.ts';
import { BOOT_ID, command, LabMachine, manifest, verdictOf } from '../../health-gate/lab/machine.ts';
import type { BootState } from '../../partitions/boot-state.ts';
import { readUpdateStateMirror } from '../../partitions/boot-state-mirrors.ts';
import { readBootStateFromDevice } from '../../partitions/boot-state-store.ts';
import type { Slot } from '../../partitions/slot.ts';
import { buildFooter, buildHeader } from '../../partitions/slot-blob.ts';
import { takeLock } from '../../updater/state/lock.ts';
import type { SlotsTools } from '../slots/slots-tools.ts';
import { registerSlotsWith } from './slots.ts';

const COMMITTED: BootState = {
  active: 'A',
  trial: null,
  attempts: 0,
  good: { A: true, B: true },
  failed: null,
};

let machine: LabMachine;
let tools: SlotsTools;

beforeEach(async () => {
  machine = new LabMachine();
  const paths = { ...machine.paths, updateLockFile: machine.at('run/update.lock') };
  tools = { paths, lockPatience_s: 0, isRoot: () => true, now: () => new Date(0), run: remount };
  machine.boots('A');
  await machine.makeEsp(COMMITTED);
  writeSlot('A', '1.0.0');
  writeSlot('B', '2.0.0');
});
afterEach(() => machine.remove());

/** What the kernel's vfat does on a remount, done by mtools: this machine may have none. */
const remount: Run = async (_program, args) => {
  const file = machine.at('boot/ab_state');
  if (args[1] === 'remount,rw') mkdirSync(machine.at('boot'), { recursive: true });
  if (args[1] === 'remount,ro' && existsSync(file)) {
    await command('mcopy', '-o', '-i', machine.espDevice, file, '::ab_state');
  }
  return { code: 0, stdout: '', stderr: '' };
};

/** A slot as GRUB wants it: kernel and initrd with the digests in the footer. */
function writeSlot(slot: Slot, version: string): string {
  const blob = new Uint8Array(64 * 1024);
  const kernel = { start: 16, count: 4 };
  const initrd = { start: 24, count: 2 };
  blob.fill(0x11, 16 * 512, 20 * 512);
  blob.fill(0x22, 24 * 512, 26 * 512);
  const digest = (from: number, to: number) =>
    createHash('sha256')
      .update(blob.subarray(from * 512, to * 512))
      .digest('hex');
  blob.set(buildHeader(32 * 1024), 0);
  const footer = buildFooter(
    { ...manifest(version), kernel_sha256: digest(16, 20), initrd_sha256: digest(24, 26) },
    { kernel, initrd },
  );
  blob.set(footer, 32 * 1024);
  return machine.write(`root-${slot.toLowerCase()}`, blob);
}

async function bulkhead(...args: string[]): Promise<string> {
  let out = '';
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: () => undefined,
    setExitCode: () => undefined,
  };
  const program = new Command('bulkhead').exitOverride().configureOutput({ writeOut: io.out });
  registerSlotsWith(program, io, async () => tools);
  await program.parseAsync(['slots', ...args], { from: 'user' });
  return out;
}

const stateOnDisk = () => readBootStateFromDevice(machine.espDevice).state;

async function refused(args: string[], code: string): Promise<void> {
  const before = readFileSync(machine.espDevice);
  await expect(bulkhead(...args)).rejects.toMatchObject({ code });
  expect(readFileSync(machine.espDevice).equals(before)).toBe(true);
}

describe('bulkhead slots', () => {
  test('shows both slots, the running one, and what boots next', async () => {
    expect(await bulkhead()).toBe(
      [
        '  slot  state    version  root hash',
        '* A     active   1.0.0    a1a1a1a1a1a1a1a1',
        '  B     standby  2.0.0    a1a1a1a1a1a1a1a1',
        '',
        'running: slot A (command-line), normal boot, attempt 1 of 3',
        'next boot: slot A',
        '',
      ].join('\n'),
    );
  });

  test('shows a trial, a contradiction and a slot that was given up', async () => {
    machine.boots('B', { mode: 'trial', attempt: 2 });
    await machine.makeEsp({ ...COMMITTED, trial: 'B', attempts: 1, good: { A: true, B: false } });
    expect(await bulkhead()).toContain('next boot: slot B on trial, then slot A');
    await machine.makeEsp({ ...COMMITTED, failed: 'B' });
    const text = await bulkhead();
    expect(text).toContain('contradiction: command-line says B, state-file says A');
    expect(text).toContain('next boot: slot A; slot B was given up');
  });

  test('gives the same as JSON', async () => {
    expect(JSON.parse(await bulkhead('--json'))).toMatchObject({
      slot: 'A',
      slotSource: 'command-line',
      contradiction: null,
      attempt: 1,
      bootState: COMMITTED,
      bootStateCondition: 'ok',
      slots: [
        { slot: 'A', state: 'active', running: true, version: '1.0.0' },
        { slot: 'B', state: 'standby', running: false, version: '2.0.0' },
      ],
    });
  });

  test('shows everybody else what the gate saw, and says so when it has seen nothing', async () => {
    tools = { ...tools, isRoot: () => false };
    await expect(bulkhead()).rejects.toMatchObject({ code: 'SLOTS_NOT_KNOWN_YET' });
    const seen = { collectedAt: '2026-01-01T00:00:00Z', ...JSON.parse(await asRoot('--json')) };
    const watchdog = { present: false, identity: null, timeout_s: null, active: null, armedEarly: false };
    machine.write('run/machine.json', JSON.stringify({ ...seen, watchdog }));
    expect(await bulkhead()).toContain('* A     active   1.0.0');
  });

  test('has nothing to show elsewhere', async () => {
    machine.write('proc/cmdline', 'root=/dev/sda1 quiet\n');
    await refused([], 'SLOTS_NOT_AN_APPLIANCE');
  });
});

describe('changing which slot boots', () => {
  test('arm puts a whole slot on trial, on the disk and in the mirrors', async () => {
    expect(await bulkhead('arm', 'B')).toContain('slot B (version 2.0.0) is on trial from the next boot on');
    const armed = { ...COMMITTED, trial: 'B', good: { A: true, B: false } };
    expect(stateOnDisk()).toEqual(armed);
    expect(readUpdateStateMirror(machine.paths.mirrors.updateState)).toEqual(armed);
  });

  test('arm takes the slot that does not run in a rescue boot, where nothing is committed', async () => {
    const ring: BootState = { ...COMMITTED, attempts: 5, good: { A: false, B: false } };
    await machine.makeEsp(ring);
    machine.boots('B', { attempt: 5, mode: 'normal' });
    await refused(['arm', 'A'], 'BOOT_SLOT_IN_USE');
    machine.boots('B', { attempt: 5, mode: 'rescue' });
    expect(await bulkhead('arm', 'A')).toContain(
      'on trial from the next boot on; slot B stays to fall back to',
    );
    expect(stateOnDisk()).toEqual({ ...ring, active: 'B', trial: 'A', attempts: 0 });
  });

  test('arm answers in JSON when asked to', async () => {
    expect(JSON.parse(await bulkhead('arm', 'B', '--json'))).toMatchObject({
      changed: true,
      bootState: { trial: 'B' },
    });
  });

  test.each([
    ['the running slot', ['arm', 'A'], 'BOOT_SLOT_IN_USE'],
    ['a slot that does not exist', ['arm', 'C'], 'SLOT_INVALID'],
  ])('arm refuses %s', async (_name, args, code) => refused(args, code));

  test.each([
    ['is empty', 0, 512],
    ['has a damaged kernel', 16 * 512 + 9, 1],
    ['has a damaged initrd', 24 * 512 + 9, 1],
    ['has a damaged footer', 32 * 1024, 512],
  ])('arm and rollback refuse a slot that %s', async (_name, offset, size) => {
    const path = machine.at('root-b');
    const blob = readFileSync(path);
    blob.fill(0, offset, offset + size);
    writeFileSync(path, blob);
    await refused(['arm', 'B'], 'SLOT_IMAGE_UNUSABLE');
    await refused(['rollback'], 'SLOT_IMAGE_UNUSABLE');
  });

  test('rollback takes the other good slot on trial', async () => {
    expect(await bulkhead('rollback')).toBe('the next boot takes slot B (version 2.0.0), on trial\n');
    expect(stateOnDisk()).toEqual({ ...COMMITTED, trial: 'B' });
  });

  test('rollback refuses where nothing good is left', async () => {
    await machine.makeEsp({ ...COMMITTED, good: { A: true, B: false } });
    await refused(['rollback'], 'BOOT_NO_SLOT_TO_ROLL_BACK_TO');
  });

  test('repair leaves a whole state alone', async () => {
    const before = readFileSync(machine.espDevice);
    expect(await bulkhead('repair')).toContain('nothing was changed');
    expect(readFileSync(machine.espDevice).equals(before)).toBe(true);
  });

  test.each([
    ['garbage', new Uint8Array(512).fill(0xa5), 'overwritten'],
    ['no file', null, 'created'],
  ])('repair writes a state over %s; only a boot that passed is committed', async (_name, content, how) => {
    await machine.makeEsp(content);
    await refused(['arm', 'B'], 'SLOTS_STATE_DAMAGED');
    expect(await bulkhead('repair')).toContain(`the boot state was ${how}; slot A is active, not committed`);
    expect(stateOnDisk()).toMatchObject({ active: 'A', attempts: 1, good: { A: false, B: false } });

    await machine.makeEsp(content);
    machine.write('run/health.json', JSON.stringify(verdictOf(1, BOOT_ID)));
    expect(await bulkhead('repair')).toContain('committed');
    expect(stateOnDisk()).toMatchObject({ active: 'A', attempts: 0, good: { A: true, B: false } });
  });

  test('nothing is changed while an update is under way', async () => {
    const release = takeLock(tools.paths.updateLockFile);
    for (const args of [['arm', 'B'], ['rollback'], ['repair']]) await refused(args, 'UPDATE_RUNNING');
    release();
  });

  test('nothing is changed without root, from the installation medium, or where the ESP is no FAT', async () => {
    for (const args of [['arm', 'B'], ['rollback'], ['repair']]) {
      tools = { ...tools, isRoot: () => false };
      await refused(args, 'SLOTS_NEED_ROOT');
      tools = { ...tools, isRoot: () => true };
      machine.boots('A', { extra: 'bulkhead.live=1' });
      await refused(args, 'SLOTS_LIVE');
      machine.boots('A');
    }
    copyFileSync(machine.at('root-a'), machine.espDevice);
    await refused(['repair'], 'SLOTS_STATE_UNREADABLE');
  });
});

async function asRoot(...args: string[]): Promise<string> {
  const before = tools;
  tools = { ...tools, isRoot: () => true };
  const out = await bulkhead(...args);
  tools = before;
  return out;
}

import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selectBoot } from '../../partitions/boot-machine.ts';
import {
  type BootState,
  initialState,
  parseBootState,
  serialiseBootState,
} from '../../partitions/boot-state.ts';
import { serialiseEnvBlock } from '../../partitions/env-block.ts';
import { makeKernel, makeSlotBlob } from './grub-fakes.ts';
import {
  type GrubRunOptions,
  grubScript,
  makeDisk,
  makeEsp,
  makeLoader,
  makeWorkplace,
  PART_UUIDS,
  runGrub,
  slotOffset,
  stateOn,
  stateSector,
  type Workplace,
  writeAt,
} from './grub-rig.ts';

let work: Workplace;
let loader: string;

beforeAll(async () => {
  work = makeWorkplace();
  loader = work.path('BOOTX64.EFI');
  await makeLoader(loader);
});

afterAll(() => work.remove());

describe('grub.cfg on a real disk', () => {
  const initrds = { A: 'initrd-of-a', B: 'initrd-of-b' };
  const blobs = {
    A: makeSlotBlob('1.0.0', makeKernel(), Buffer.from(`${initrds.A}\0`)),
    B: makeSlotBlob('2.0.0', makeKernel(), Buffer.from(`${initrds.B}\0`)),
  };
  const onTrial: BootState = {
    active: 'A',
    trial: 'B',
    attempts: 0,
    good: { A: true, B: false },
    failed: null,
  };
  const bothGood: BootState = {
    active: 'A',
    trial: null,
    attempts: 0,
    good: { A: true, B: true },
    failed: null,
  };
  const layout = serialiseEnvBlock({ root_a_uuid: PART_UUIDS.A, root_b_uuid: PART_UUIDS.B }, 512);

  /** A disk with both slots; `files` replaces or, by undefined, leaves out what lies on the ESP. */
  async function disk(
    name: string,
    files: Record<string, string | Uint8Array | undefined>,
    slots: { A: Uint8Array | undefined; B: Uint8Array | undefined } = blobs,
    uuids = PART_UUIDS,
  ): Promise<string> {
    const all = { 'bulkhead/grub.cfg': grubScript(), 'bulkhead/layout.env': layout, ...files };
    const present = Object.entries(all).filter((entry): entry is [string, string | Uint8Array] => !!entry[1]);
    const esp = work.path(`${name}.esp`);
    await makeEsp(esp, loader, Object.fromEntries(present));
    const path = work.path(`${name}.disk`);
    await makeDisk(path, { esp, slots }, uuids);
    rmSync(esp);
    return path;
  }

  const boot = async (path: string, options: Partial<GrubRunOptions> = {}) => {
    const said = await runGrub(work, { disks: [path], until: / INITRD .* END/, ...options });
    return { said, ...kernelLine(said) };
  };

  /** What the kernel was told: slot, attempt, mode, and whose initrd it found. */
  function kernelLine(said: string) {
    const line = /KERNEL (.*) INITRD (.*) END/.exec(said);
    const words = new Map((line?.[1] ?? '').split(' ').map((word) => word.split('=', 2) as [string, string]));
    return {
      slot: words.get('ab.partition'),
      attempt: words.get('ab.attempt'),
      mode: words.get('ab.mode'),
      initrd: line?.[2],
      words,
    };
  }

  test('counts every boot in the one sector and nowhere else, through trial, roll-back and rescue', async () => {
    const path = await disk('walk', { ab_state: serialiseBootState(onTrial) });
    const before = readFileSync(path);
    const sector = stateSector(before);
    let state: BootState = onTrial;
    const walked: string[] = [];
    for (let turn = 0; turn < 9; turn += 1) {
      const choice = selectBoot(state, { canSave: true, whole: { A: true, B: true } });
      const seen = await boot(path);
      expect([seen.slot, seen.attempt, seen.mode]).toEqual([
        choice.slot,
        String(choice.attempt),
        choice.mode,
      ]);
      expect(seen.initrd).toBe(initrds[choice.slot]);
      expect(seen.words.get('systemd.journald.forward_to_kmsg')).toBe(
        choice.mode === 'trial' ? '1' : undefined,
      );
      const now = readFileSync(path);
      expect(stateSector(now)).toBe(sector);
      expect(parseBootState(now.subarray(sector, sector + 512))).toEqual(choice.next);
      now.set(before.subarray(sector, sector + 512), sector);
      expect(now.equals(before)).toBe(true);
      state = choice.next ?? state;
      walked.push(`${choice.slot}${choice.attempt} ${choice.mode}`);
    }
    expect(walked).toEqual([
      ...['B1 trial', 'B2 trial', 'B3 trial'],
      ...['A1 normal', 'A2 normal', 'A3 normal'],
      ...['A4 rescue', 'B5 rescue', 'A4 rescue'],
    ]);
  });

  test('hands the kernel what the initrd needs', async () => {
    const withExtra = serialiseEnvBlock(
      { root_a_uuid: PART_UUIDS.A, root_b_uuid: PART_UUIDS.B, extra_args: 'debug one=2' },
      512,
    );
    const path = await disk('words', {
      ab_state: serialiseBootState(initialState('A')),
      'bulkhead/layout.env': withExtra,
    });
    const { words } = await boot(path);
    expect(Object.fromEntries(words)).toMatchObject({
      'bulkhead.root': PART_UUIDS.A,
      'bulkhead.verity': `${'1'.repeat(64)}:7:${'2'.repeat(64)}`,
      'ab.partition': 'A',
      'ab.attempt': '1',
      'ab.mode': 'normal',
      panic: '10',
      oops: 'panic',
      'bulkhead.log_memory': '10000000-100fffff',
      'pstore.backend': 'ramoops',
      one: '2',
    });
    expect(words.has('debug')).toBe(true);
  });

  const damage: [string, number, Uint8Array][] = [
    ['a flipped bit in the kernel', 4 * 4096 + 2000, Uint8Array.of(0x55)],
    ['a flipped bit in the initrd', 6 * 4096 + 3, Uint8Array.of(0x55)],
    ['no header', 0, new Uint8Array(512)],
    ['a header of garbage', 0, new Uint8Array(512).fill(0xa5)],
    ['no footer', 7 * 4096, new Uint8Array(16384)],
    ['no digests', 7 * 4096 + 1024, new Uint8Array(512)],
    ['blank digests', 7 * 4096 + 1024, new Uint8Array(512).fill(0x20)],
  ];
  test.each(damage)('gives a trial with %s up at once', async (_name, offset_bytes, bytes) => {
    const path = await disk('hurt', { ab_state: serialiseBootState(onTrial) });
    writeAt(path, slotOffset('B') + offset_bytes, bytes);
    const seen = await boot(path);
    expect([seen.slot, seen.attempt, seen.mode]).toEqual(['A', '1', 'normal']);
    expect(seen.said).toContain('reason=trial-not-whole');
    expect(stateOn(path)).toEqual(selectBoot(onTrial, { canSave: true, whole: { A: true, B: false } }).next);
  });

  test('leaves an active slot that is not whole for the other one', async () => {
    const path = await disk('hurt-active', { ab_state: serialiseBootState(bothGood) });
    writeAt(path, slotOffset('A') + 4 * 4096 + 2000, Uint8Array.of(0x55));
    const seen = await boot(path);
    expect([seen.slot, seen.attempt, seen.mode]).toEqual(['B', '1', 'normal']);
    expect(stateOn(path)).toEqual(selectBoot(bothGood, { canSave: true, whole: { A: false, B: true } }).next);
  });

  const whole = Buffer.from(serialiseBootState(onTrial));
  const broken: [string, Uint8Array | undefined][] = [
    ['missing', undefined],
    ['empty', new Uint8Array(0)],
    ['zeroed', new Uint8Array(512)],
    ['torn', Buffer.concat([whole.subarray(0, 70), Buffer.alloc(442)])],
    ['garbage', new Uint8Array(512).map((_, index) => (index * 167 + 13) & 0xff)],
  ];
  test.each(broken)('boots a whole slot when ab_state is %s', async (_name, ab_state) => {
    const path = await disk('stateless', { ab_state: ab_state ?? undefined });
    const seen = await boot(path);
    expect([seen.attempt, seen.mode]).toEqual(['0', 'normal']);
    expect(['A', 'B']).toContain(seen.slot);
    expect(seen.said).toContain('reason=no-state');
  });

  test.each(['A', 'B'] as const)(
    'whatever the clock says, boots slot %s when only that is whole',
    async (slot) => {
      const path = await disk(
        'halved',
        { ab_state: new Uint8Array(512) },
        { A: undefined, B: undefined, [slot]: blobs[slot] },
      );
      expect((await boot(path)).slot).toBe(slot);
    },
  );

  test('never starts a trial that it could not count', async () => {
    const path = await disk('read-only', { ab_state: serialiseBootState(onTrial) });
    const seen = await boot(path, { readOnly: true });
    expect([seen.slot, seen.attempt, seen.mode]).toEqual(['A', '0', 'normal']);
    expect(seen.said).toContain('save reason=not-saved');
    expect(stateOn(path)).toEqual(onTrial);
  });

  test('keeps to its own disk beside a copy of it and beside one with the same labels', async () => {
    const path = await disk('own', { ab_state: serialiseBootState(initialState('B')) });
    const foreign = makeSlotBlob('6.6.6', makeKernel(), Buffer.from('foreign\0'));
    const copy = await disk(
      'copy',
      { ab_state: serialiseBootState(initialState('A')) },
      { A: foreign, B: foreign },
    );
    const namesake = await disk(
      'namesake',
      { ab_state: serialiseBootState(initialState('A')) },
      { A: foreign, B: foreign },
      { A: PART_UUIDS.A.replace('b01c', 'dead'), B: PART_UUIDS.B.replace('b01c', 'dead') },
    );
    const untouched = [copy, namesake].map((other) => readFileSync(other));
    const seen = await boot(path, { disks: [copy, namesake, path], bootDisk: path });
    expect([seen.slot, seen.initrd]).toEqual(['B', initrds.B]);
    expect(stateOn(path)?.attempts).toBe(1);
    expect([copy, namesake].map((other, index) => untouched[index]?.equals(readFileSync(other)))).toEqual([
      true,
      true,
    ]);
  });

  test('finds the slots by their headers when layout.env is missing', async () => {
    const path = await disk('no-layout', {
      ab_state: serialiseBootState(initialState('B')),
      'bulkhead/layout.env': undefined,
    });
    const seen = await boot(path);
    expect([seen.initrd, seen.words.get('bulkhead.root')]).toEqual([initrds.B, PART_UUIDS.B]);
  });

  test.each(['ahci', 'nvme', 'usb'] as const)('counts on a disk behind %s', async (bus) => {
    const path = await disk('bus', { ab_state: serialiseBootState(onTrial) });
    const seen = await boot(path, { bus });
    expect([seen.initrd, stateOn(path)?.attempts]).toEqual([initrds.B, 1]);
  });

  test('does not wait for a serial port that is not there', async () => {
    const path = await disk('mute', { ab_state: serialiseBootState(onTrial) });
    const anotherVendor = ['-smbios', 'type=1,manufacturer=HP'];
    await runGrub(work, { disks: [path], noSerial: true, extra: anotherVendor });
    expect(stateOn(path)?.attempts).toBe(1);
    const seen = await boot(path, { extra: anotherVendor });
    expect([seen.slot, seen.attempt]).toEqual(['B', '2']);
  });

  test('reboots instead of asking when nothing can be started', async () => {
    const path = await disk(
      'nothing',
      { ab_state: serialiseBootState(bothGood) },
      { A: undefined, B: undefined },
    );
    const said = await runGrub(work, { disks: [path] });
    expect(said).toContain('reason=neither-whole');
    expect(said).toContain('BULKHEAD-GRUB stop reason=no-image slot=A');
    expect(said).not.toContain('grub>');
    expect(stateOn(path)).toEqual(
      selectBoot(bothGood, { canSave: true, whole: { A: false, B: false } }).next,
    );
  });

  test('reboots instead of asking when its script is missing', async () => {
    const path = await disk('no-script', { 'bulkhead/grub.cfg': undefined });
    const said = await runGrub(work, { disks: [path] });
    expect(said).toContain('BULKHEAD-GRUB stop reason=no-script');
    expect(said).not.toContain('grub>');
  });

  test('starts a slot of real size in seconds', async () => {
    const size_bytes = 12 * 1024 * 1024;
    const initrd = new Uint8Array(size_bytes);
    initrd.set(Buffer.from(`${initrds.A}\0`));
    const large = makeSlotBlob('1.0.0', makeKernel(size_bytes), initrd);
    const path = await disk(
      'large',
      { ab_state: serialiseBootState(initialState('A')) },
      { A: large, B: large },
    );
    const timed = async (candidate: string) => {
      const start_ms = performance.now();
      expect((await boot(candidate)).initrd).toBe(initrds.A);
      return performance.now() - start_ms;
    };
    const small_ms = await timed(await disk('small', { ab_state: serialiseBootState(initialState('A')) }));
    const large_ms = await timed(path);
    console.log(
      `24 MiB to load and hash cost ${Math.round(large_ms - small_ms)} ms (${Math.round(small_ms)} without)`,
    );
    expect(large_ms - small_ms).toBeLessThan(30_000);
  });
});

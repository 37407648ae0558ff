import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../base/run.ts';

const FIRMWARE_BYTES = 64 * 1024;
const RESET_VECTOR = FIRMWARE_BYTES - 16;
/** `mov al, 42; out 0xf4, al; hlt`: ends QEMU through its isa-debug-exit device. */
const EXIT_PROGRAM = [0xb0, 42, 0xe6, 0xf4, 0xf4];
/** isa-debug-exit turns a value into `value * 2 + 1`. */
const EXIT_CODE = 85;
const PROBE_TIMEOUT_MS = 5_000;

let known: Promise<boolean> | undefined;

/**
 * Whether KVM runs guest code here. That /dev/kvm opens says little: some build machines offer one that fails as soon
 * as a virtual CPU starts. So a guest of three instructions is started with it.
 */
function kvmWorks(): Promise<boolean> {
  known ??= probeKvm();
  return known;
}

/** For `-accel`, best first. */
export async function accelerators(): Promise<string[]> {
  return (await kvmWorks()) ? ['kvm'] : ['tcg'];
}

async function probeKvm(): Promise<boolean> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return false; // No KVM on this machine, or not for this user: both mean emulation.
  }
  return runsGuestCode('kvm');
}

/** Starts the three-instruction guest; exported because the probe itself is tested with emulation. */
export async function runsGuestCode(accelerator: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-probe-'));
  try {
    const firmware = new Uint8Array(FIRMWARE_BYTES);
    firmware.set(EXIT_PROGRAM, RESET_VECTOR);
    writeFileSync(join(folder, 'probe.bin'), firmware);
    const result = await run(
      'qemu-system-x86_64',
      [
        ...[
          '-accel',
          accelerator,
          '-machine',
          'q35',
          '-cpu',
          'max',
          '-m',
          '16',
          '-display',
          'none',
          '-nodefaults',
        ],
        ...['-bios', join(folder, 'probe.bin'), '-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
      ],
      { timeout_ms: PROBE_TIMEOUT_MS },
    );
    return result.code === EXIT_CODE;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

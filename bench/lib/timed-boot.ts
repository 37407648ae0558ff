import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD } from '../../test/qemu/fixtures/image.ts';
import { createOverlay } from '../../test/qemu/harness/disk.ts';
import type { Machine } from '../../test/qemu/harness/machine.ts';
import type { DiskFile, MachineOptions } from '../../test/qemu/harness/options.ts';
import { startMachine } from '../../test/qemu/harness/start-machine.ts';
import { firstAnswer } from './first-answer.ts';
import { loadNow, processorTime_s } from './host-facts.ts';
import { BOOT_TIMEOUT_MS, MEMORY_MB, SHUTDOWN_TIMEOUT_MS } from './limits.ts';
import { round } from './statistics.ts';

/** One side of the comparison. */
export interface Contestant {
  name: 'bulkhead' | 'debian';
  disk: DiskFile;
  /** What its console says when everything that a boot does has been done; group 1 says how it ended. */
  settled: RegExp;
}

/** Seconds since power-on. */
export interface TimedBoot {
  page_s: number;
  /** Processor time that the virtual machine took until then: hardly moved by what else the computer does. */
  page_processor_s: number;
  /** When `settled` was said: of the appliance, the verdict of its health gate. */
  settled_s: number;
  /** Load of the computer at power-on: of an idle one it comes from the boot before. */
  load_before: number;
}

/** Of either side the same machine, to the last device. */
export function machineOf(name: string, disk: DiskFile, queue: boolean): MachineOptions {
  return {
    ...{ name: `bench-${name}`, memory_mb: MEMORY_MB, cpus: 1, watchdog: 'i6300esb', queue },
    ...{ disks: [{ ...disk, snapshot: true }], forwards: { 80: 0 } },
  };
}

/**
 * Switches a machine on, waits until it has settled, and lets `afterwards` look at it before it is switched off. What it
 * wrote is forgotten, so every run boots the same bytes.
 *
 * @throws BulkheadError BENCH_NO_PAGE, MACHINE_SERIAL_TIMEOUT, and what the machine dies of
 */
export async function timedBoot<Seen>(
  options: MachineOptions,
  settled: RegExp,
  afterwards: (machine: Machine) => Promise<Seen>,
): Promise<{ boot: TimedBoot; seen: Seen }> {
  const machine = await startMachine(options);
  const load_before = loadNow();
  try {
    const [page, settled_ms] = await Promise.all([
      firstAnswer(
        machine.http(80).url('/'),
        () => machine.elapsed_ms,
        () => machine.running,
        BOOT_TIMEOUT_MS,
      ).then((at_ms) => ({ at_ms, processor_s: processorTime_s(machine.pid ?? 0) })),
      machine.waitForSerial(settled, BOOT_TIMEOUT_MS).then(() => machine.elapsed_ms),
    ]);
    const boot = {
      page_s: round(page.at_ms / 1000, 2),
      page_processor_s: round(page.processor_s, 2),
      settled_s: round(settled_ms / 1000, 2),
      load_before,
    };
    return { boot, seen: await afterwards(machine) };
  } catch (error) {
    machine.keepLogs();
    throw error;
  } finally {
    await machine.stop();
  }
}

/**
 * The first boot, which makes keys and grows file systems, on a disk that is kept: the boots to be compared are the ordinary ones
 * after it. Ends with an orderly shut-down.
 */
export async function firstBoot(
  contestant: Contestant,
  queue: boolean,
): Promise<{ disk: DiskFile; boot: TimedBoot }> {
  const folder = join(BUILD, 'bench/disks');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${contestant.name}.qcow2`);
  rmSync(path, { force: true });
  const disk = await createOverlay(path, contestant.disk);
  const options = {
    ...machineOf(`${contestant.name}-first`, disk, queue),
    disks: [disk],
  };
  const { boot } = await timedBoot(options, contestant.settled, async (machine) => {
    await machine.offInsteadOfRestart();
    await machine.ctrlAltDelete();
    await machine.waitForPowerOff(SHUTDOWN_TIMEOUT_MS);
  });
  return { disk, boot };
}

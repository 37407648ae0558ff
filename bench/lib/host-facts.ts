import { readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { run, runOrThrow } from '../../base/run.ts';
import { sourceRevision } from '../../iso/build/source-facts.ts';
import { SOURCE } from '../../test/qemu/fixtures/image.ts';
import { accelerators } from '../../test/qemu/harness/accelerator.ts';
import { round } from './statistics.ts';

/** Where and of what the numbers are: they mean nothing without. */
export interface HostFacts {
  date: string;
  /** Commit of the checkout, `-dirty` when files differ from it. */
  revision: string;
  cpu: string;
  cores: number;
  memory_bytes: number;
  kernel: string;
  qemu: string;
  /** `tcg` is emulation in software: compare ratios, not seconds. */
  accelerator: string;
  /** 1, 5 and 15 minutes, before the part was started. */
  load_before: number[];
  /** Virtual machines of others that ran at that moment. */
  machines_before: number;
}

/** Of the last minute. */
export function loadNow(): number {
  return round(loadavg()[0] ?? 0, 2);
}

export async function hostFacts(): Promise<HostFacts> {
  const processors = cpus();
  const qemu = await runOrThrow(run, 'qemu-system-x86_64', ['--version']);
  return {
    date: new Date().toISOString(),
    revision: (await sourceRevision(run, SOURCE)).id,
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memory_bytes: totalmem(),
    kernel: release(),
    qemu: /version (\S+)/.exec(qemu)?.[1] ?? 'unknown',
    accelerator: (await accelerators())[0] ?? 'unknown',
    load_before: loadavg().map((value) => round(value, 2)),
    machines_before: countMachines(),
  };
}

/** Fields 14 and 15 of /proc/PID/stat count in these; fixed for programs since Linux 2.6, see time(7). */
const TICKS_PER_SECOND = 100;

/** Processor time that a process has used with all its threads, in seconds. */
export function processorTime_s(pid: number): number {
  // The name in parentheses may hold spaces; what follows it is field 3.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** QEMU processes of this computer, by /proc. */
function countMachines(): number {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && nameOf(name) === 'qemu-system-x86')
    .length;
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return ''; // Ended between the listing and the look.
  }
}

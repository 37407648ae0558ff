import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { BulkheadError } from '../../../base/errors.ts';
import { run, runOrThrow } from '../../../base/run.ts';
import { round } from '../statistics.ts';
import { RUN_TIMEOUT_MS } from './limits.ts';
import type { Measurement } from './results.ts';

/** A loop device over a file of the disk that the work folder lies on, past the page cache of that file. */
export interface LoopDevice {
  path: string;
  close(): Promise<void>;
}

/** @param size_bytes multiple of the block size */
export async function openLoopDevice(file: string, size_bytes: number): Promise<LoopDevice> {
  rmSync(file, { force: true });
  await runOrThrow(run, 'fallocate', ['-l', String(size_bytes), file]);
  const path = (await runOrThrow(run, 'losetup', ['--find', '--show', '--direct-io=on', file])).trim();
  return {
    path,
    close: async () => {
      await runOrThrow(run, 'losetup', ['--detach', path]);
      rmSync(file, { force: true });
    },
  };
}

const MIB = 1024 * 1024;
const TIMER = '/usr/bin/time';

/** One process of a pipeline, each with its own memory to be measured. */
export type Stage = readonly string[];

/**
 * Runs a pipeline once on cold caches. The most memory of its processes is added up, because they run at the same time.
 *
 * @param fetched_bytes asked after the end; what the pipeline took from a server
 * @throws BulkheadError BENCH_RUN_FAILED
 */
export async function measurePipeline(
  stages: readonly Stage[],
  device: string,
  work: string,
  fetched_bytes: (printed: string) => number,
): Promise<Measurement & { printed: string }> {
  const notes = join(work, 'time.txt');
  rmSync(notes, { force: true });
  writeFileSync(notes, '');
  await dropCaches();
  const load = round(loadavg()[0] ?? 0, 2);
  const before_bytes = writtenBytes(device);
  const start_ms = performance.now();
  const words = stages.map((stage) =>
    [TIMER, '-q', '-a', '-o', notes, '-f', '%M %U %S', ...stage].map(quote).join(' '),
  );
  const { code, stdout, stderr } = await run(
    'bash',
    ['-c', `set -o pipefail; cd ${quote(work)}; ${words.join(' | ')}`],
    {
      timeout_ms: RUN_TIMEOUT_MS,
    },
  );
  const seconds = (performance.now() - start_ms) / 1000;
  if (code !== 0) {
    throw new BulkheadError(
      'BENCH_RUN_FAILED',
      `'${stages[0]?.slice(0, 3).join(' ')} …' ended with ${code}: ${stderr.trim().slice(-500)}`,
    );
  }
  const rows = readFileSync(notes, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const sum = (column: number) => rows.reduce((total, row) => total + (row[column] ?? 0), 0);
  return {
    seconds: round(seconds, 3),
    processor_s: round(sum(1) + sum(2), 2),
    peak_bytes: sum(0) * 1024,
    written_bytes: writtenBytes(device) - before_bytes,
    fetched_bytes: fetched_bytes(stdout),
    load,
    printed: stdout,
  };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

async function dropCaches(): Promise<void> {
  await runOrThrow(run, 'sync', [], { timeout_ms: RUN_TIMEOUT_MS });
  writeFileSync('/proc/sys/vm/drop_caches', '3');
}

/** Field 7 of Documentation/block/stat.rst counts in sectors of 512 bytes, whatever the device's are. */
function writtenBytes(device: string): number {
  const fields = readFileSync(`/sys/block/${basename(device)}/stat`, 'utf8')
    .trim()
    .split(/\s+/);
  return Number(fields[6]) * 512;
}

/** Zeros over what the contestant before has left: nobody is to find its work done. */
export async function clearDevice(device: string, length_bytes: number): Promise<void> {
  const count = Math.ceil(length_bytes / MIB);
  await runOrThrow(
    run,
    'dd',
    ['if=/dev/zero', `of=${device}`, 'bs=1M', `count=${count}`, 'oflag=direct', 'conv=fsync'],
    {
      timeout_ms: RUN_TIMEOUT_MS,
    },
  );
}

/** What a run left on the device must be the target, or its seconds mean nothing. @throws BulkheadError BENCH_RESULT_DIFFERS */
export function requireSame(device: string, target: string, length_bytes: number, name: string): void {
  const [one, other] = [openSync(device, 'r'), openSync(target, 'r')];
  const [found, wanted] = [new Uint8Array(MIB), new Uint8Array(MIB)];
  try {
    for (let at = 0; at < length_bytes; at += MIB) {
      const size = Math.min(MIB, length_bytes - at);
      readSync(one, found, 0, size, at);
      readSync(other, wanted, 0, size, at);
      if (Buffer.compare(found.subarray(0, size), wanted.subarray(0, size)) !== 0)
        throw new BulkheadError(
          'BENCH_RESULT_DIFFERS',
          `${name} left something else than ${target} near byte ${at}`,
        );
    }
  } finally {
    closeSync(one);
    closeSync(other);
  }
}

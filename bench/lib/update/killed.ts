import { setTimeout as sleep } from 'node:timers/promises';
import { BulkheadError } from '../../../base/errors.ts';
import type { Arena, Contestant } from './contestant.ts';
import { KILL_LOOK_MS, KILL_SHARES, RUN_TIMEOUT_MS } from './limits.ts';
import { requireSame } from './measure.ts';
import type { UpdateResults } from './results.ts';
import type { VariantSlot } from './slots.ts';
import type { SlowLine } from './slow-line.ts';

/** Kills a full transfer over a slow line without a warning at several places, lets it go on, and counts what was carried twice. */
export async function killTransfers(
  arena: Arena,
  slot: VariantSlot,
  full: Contestant,
  line: SlowLine,
): Promise<UpdateResults['killed']> {
  const prepared = await full.prepare(slot);
  const command = prepared?.stages?.[0];
  if (!prepared || !command)
    throw new BulkheadError('BENCH_RUN_FAILED', `${full.name} cannot be killed: it does not run`);
  const results: UpdateResults['killed'] = [];
  prepared.reset?.();
  const undisturbed_bytes = await carriedBy(line, () => runToEnd(command));
  for (const share of KILL_SHARES) {
    prepared.reset?.();
    const at_bytes = Math.round(undisturbed_bytes * share);
    const carried_bytes = await carriedBy(line, async () => {
      const limit_bytes = line.carried_bytes + at_bytes;
      const child = Bun.spawn([...command], { stdout: 'ignore', stderr: 'ignore' });
      while (line.carried_bytes < limit_bytes && child.exitCode === null) await sleep(KILL_LOOK_MS);
      child.kill('SIGKILL');
      await child.exited;
      await runToEnd(command);
    });
    requireSame(arena.device, slot.file, slot.manifest.blob_bytes, full.name);
    results.push({ at_bytes, repeated_bytes: carried_bytes - undisturbed_bytes });
  }
  prepared.reset?.();
  return results;
}

async function carriedBy(line: SlowLine, work: () => Promise<void>): Promise<number> {
  const before_bytes = line.carried_bytes;
  await work();
  return line.carried_bytes - before_bytes;
}

async function runToEnd(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdout: 'ignore', stderr: 'pipe', timeout: RUN_TIMEOUT_MS });
  const words = await new Response(child.stderr).text();
  if ((await child.exited) !== 0)
    throw new BulkheadError(
      'BENCH_RUN_FAILED',
      `the installer ended with ${child.exitCode}: ${words.slice(-500)}`,
    );
}

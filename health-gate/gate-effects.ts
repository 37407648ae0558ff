import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { withDeadline } from '../base/deadline.ts';
import { BulkheadError } from '../base/errors.ts';
import type { Run } from '../base/run.ts';
import type { BootState } from '../partitions/boot-state.ts';
import { type MirrorPaths, writeMirrors } from '../partitions/boot-state-mirrors.ts';
import { repairBootState } from '../partitions/boot-state-repair.ts';
import { type BootStateReading, writeBootState } from '../partitions/boot-state-store.ts';
import { readState } from './boot-reading.ts';
import { WRITE_TIMEOUT_MS } from './limits.ts';
import type { MachineFacts } from './machine-facts.ts';
import { type RebootMeans, rebootForSure } from './reboot.ts';
import { appendVerdict, compactJournal, readJournal } from './verdict-journal.ts';
import { Verdict } from './verdict-schema.ts';

/** Everything the gate does to the world, each on its own and in no order; the order is gate.ts. */
export interface GateEffects {
  /** Verdicts of all boots, oldest first. */
  readVerdicts(): Promise<readonly Verdict[]>;
  /** Durable and read back when it returns. */
  recordVerdict(verdict: Verdict): Promise<void>;
  readBootState(): BootStateReading;
  /** Overwrites one sector, or repairs what is no boot state; durable and read back when it returns. */
  writeBootState(state: BootState): Promise<void>;
  writeMirrors(state: BootState): void;
  /** The verdict in the health file; null when there is none, or none that can be read. */
  readHealth(): Promise<Verdict | null>;
  publishHealth(verdict: Verdict): Promise<void>;
  publishMachineFacts(facts: MachineFacts): Promise<void>;
  compactJournal(): Promise<void>;
  reboot(): Promise<void>;
}

export interface EffectPaths {
  verdictJournalFile: string;
  healthFile: string;
  machineFactsFile: string;
  mirrors: MirrorPaths;
  espMount: string;
}

/** The real effects. `espDevice` is null where the initrd found none; then nothing can be committed. */
export function gateEffects(
  paths: EffectPaths,
  espDevice: string | null,
  means: { run: Run; reboot: RebootMeans },
): GateEffects {
  const journal = paths.verdictJournalFile;
  return {
    readVerdicts: async () => (await inTime('reading the journal', readJournal(journal))).verdicts,
    recordVerdict: (verdict) => inTime('recording the verdict', appendVerdict(journal, verdict)),
    readBootState: () => readState(espDevice),
    writeBootState: (state) => storeBootState(espDevice, state, paths.espMount, means.run),
    writeMirrors: (state) => writeMirrors(state, paths.mirrors),
    readHealth: () => readHealth(paths.healthFile),
    publishHealth: (verdict) => publish(paths.healthFile, verdict),
    publishMachineFacts: (facts) => publish(paths.machineFactsFile, facts),
    compactJournal: async () => {
      await compactJournal(journal);
    },
    reboot: () => rebootForSure(means.reboot),
  };
}

/** The last verdict of this boot, as the gate published it; null when there is none, or none that can be read. */
export async function readHealth(path: string): Promise<Verdict | null> {
  try {
    const verdict: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Value.Check(Verdict, verdict) ? verdict : null;
  } catch {
    // Not judged yet. Nothing depends on the file but what is shown.
    return null;
  }
}

async function storeBootState(
  espDevice: string | null,
  state: BootState,
  espMount: string,
  run: Run,
): Promise<void> {
  if (espDevice === null)
    throw new BulkheadError('GATE_NO_ESP', 'no ESP was found, so no boot state can be written');
  if (readState(espDevice).condition === 'ok') writeBootState(espDevice, state);
  else await repairBootState(espDevice, state, { espMount, run });
}

/**
 * A file on a tmpfs that every user may read, replaced as a whole. The temporary name carries the process, because
 * the timer and a person may publish at the same moment.
 */
async function publish(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.new`;
  await writeFile(temporary, `${JSON.stringify(content)}\n`);
  // Whatever the umask of the unit is: the agent's user reads it.
  await chmod(temporary, 0o644);
  await rename(temporary, path);
}

/** A disk that hangs must not hang the gate: what comes too late counts as not done. */
function inTime<Result>(what: string, work: Promise<Result>): Promise<Result> {
  return withDeadline(work, WRITE_TIMEOUT_MS, () => {
    throw new BulkheadError('GATE_TOO_SLOW', `${what} took longer than ${WRITE_TIMEOUT_MS} ms`);
  });
}

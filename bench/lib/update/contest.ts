import type { Arena, Contestant, Prepared } from './contestant.ts';
import { clearDevice, measurePipeline, requireSame } from './measure.ts';
import type { ContestantResult, Measurement, VariantId, VariantResult } from './results.ts';
import type { VariantSlot } from './slots.ts';

/** The kinds of change whose seconds and memory are measured; of the others the bytes count. */
const TIMED: readonly VariantId[] = ['lengths', 'point-release'];

interface Entry {
  contestant: Contestant;
  prepared: Prepared;
  runs: Measurement[];
}

/**
 * Makes what everybody publishes for one variant, then runs all of them in turn: everyone once, everyone again. Every result is
 * compared with the target.
 *
 * @param runs of each contestant; variants that are not timed are run once, to see that the bytes are enough
 */
export async function contest(
  arena: Arena,
  slot: VariantSlot,
  contestants: readonly Contestant[],
  runs: number,
): Promise<VariantResult> {
  const { id, title, change } = slot.variant;
  const timed = TIMED.includes(id);
  const entries: Entry[] = [];
  for (const contestant of contestants) {
    if (contestant.onlyTimed && !timed) continue;
    arena.say(`${id}: ${contestant.name} is made`);
    const prepared = await contestant.prepare(slot);
    if (prepared) entries.push({ contestant, prepared, runs: [] });
  }
  for (let round = 0; round < (timed ? runs : 1); round += 1) {
    // Another one begins each time: what the one before leaves behind on the disk meets everybody.
    const order = entries.map((_, place) => entries[(place + round) % entries.length]);
    for (const entry of order) if (entry) await runOnce(arena, slot, entry, timed);
  }
  return {
    ...{ id, title, change },
    changed_files: slot.changed_files.length,
    changed_bytes: slot.changed_bytes,
    base_bytes: arena.base.manifest.blob_bytes,
    target_bytes: slot.manifest.blob_bytes,
    new_blocks: slot.new_blocks,
    contestants: entries.map((entry) => resultOf(entry, timed)),
  };
}

async function runOnce(arena: Arena, slot: VariantSlot, entry: Entry, timed: boolean): Promise<void> {
  const { contestant, prepared } = entry;
  const { stages, reset, fetchedOf, detail, fetched_bytes } = prepared;
  if (!stages) return;
  // Only full installs tell the seconds of full installs: the others say nothing new about them.
  if (!timed && contestant.kind === 'full') return;
  await clearDevice(arena.device, slot.manifest.blob_bytes);
  reset?.();
  const { printed, ...measured } = await measurePipeline(
    stages,
    arena.device,
    arena.work,
    fetchedOf ?? (() => fetched_bytes),
  );
  requireSame(arena.device, slot.file, slot.manifest.blob_bytes, contestant.name);
  entry.runs.push({ ...measured, ...detail?.(printed) });
  reset?.();
  arena.say(
    `${slot.variant.id}: ${contestant.name}: ${measured.fetched_bytes} bytes, ${measured.seconds} s, ${Math.round(measured.peak_bytes / 1e6)} MB`,
  );
}

function resultOf({ contestant, prepared, runs }: Entry, timed: boolean): ContestantResult {
  const { name, kind, note } = contestant;
  const fetched_bytes = runs.at(-1)?.fetched_bytes ?? prepared.fetched_bytes;
  return { name, kind, note, fetched_bytes, how: prepared.how, runs: timed ? runs : [] };
}

import { median } from '../statistics.ts';
import { LINE_BYTES_PER_S, RAUC_CHUNK_BYTES, TARGETS } from './limits.ts';
import type { ContestantResult, Measurement, UpdateResults, VariantId } from './results.ts';

/** One target of the issue, with what was measured. */
export interface Verdict {
  target: string;
  measured: string;
  met: boolean;
}

/** What was wanted beside what came out. What was not measured has no verdict. Pure. */
export function judge(results: UpdateResults): Verdict[] {
  return [
    ...fullSpeed(results),
    ...memory(results),
    ...bytes(results),
    ...blocksOverhead(results),
    ...repeated(results),
    ...neverLarger(results),
  ];
}

function find(results: UpdateResults, id: VariantId, name: string): ContestantResult | undefined {
  return results.variants.find((variant) => variant.id === id)?.contestants.find((one) => one.name === name);
}

export function medianOf(runs: readonly Measurement[], value: (run: Measurement) => number): number {
  return median(runs.map(value));
}

function fullSpeed(results: UpdateResults): Verdict[] {
  return (['Bulkhead, full', 'Bulkhead, full, from a file'] as const).flatMap((name) => {
    const ratios = results.variants.flatMap(({ id }) => {
      const [ours, pipe] = [find(results, id, name), find(results, id, 'zstd -d | dd')];
      if (!ours?.runs.length || !pipe?.runs.length) return [];
      return [medianOf(ours.runs, (run) => run.seconds) / medianOf(pipe.runs, (run) => run.seconds)];
    });
    if (ratios.length === 0) return [];
    const worst = Math.max(...ratios);
    return [
      {
        target: `${name}, read back: at most ${TARGETS.full_to_pipe} times the plain pipe`,
        measured: ratios.map((ratio) => ratio.toFixed(2)).join(' and '),
        met: worst <= TARGETS.full_to_pipe,
      },
    ];
  });
}

function memory(results: UpdateResults): Verdict[] {
  const names = [...new Set(ours(results).map(({ name }) => name))];
  return names.flatMap((name) => {
    const peaks = results.variants.flatMap(
      ({ id }) => find(results, id, name)?.runs.map((run) => run.peak_bytes) ?? [],
    );
    if (peaks.length === 0) return [];
    const most = Math.max(...peaks);
    return [
      {
        target: `${name}: peak memory below ${TARGETS.memory_bytes / 1e6} MB`,
        measured: `${(most / 1e6).toFixed(1)} MB`,
        met: most < TARGETS.memory_bytes,
      },
    ];
  });
}

function ours(results: UpdateResults): ContestantResult[] {
  return results.variants.flatMap(({ contestants }) =>
    contestants.filter(({ name }) => name.startsWith('Bulkhead')),
  );
}

function bytes(results: UpdateResults): Verdict[] {
  const verdicts: Verdict[] = [];
  const delta = (id: VariantId) => find(results, id, 'Bulkhead, delta')?.fetched_bytes;
  const oneFile = delta('one-file');
  if (oneFile !== undefined) {
    verdicts.push({
      target: `one changed file: at most ${TARGETS.one_file_bytes} bytes`,
      measured: `${oneFile} bytes`,
      met: oneFile <= TARGETS.one_file_bytes,
    });
  }
  for (const id of ['same-length', 'lengths'] as const) {
    const best = bestDiff(results, id);
    verdicts.push(
      ...ratio(
        `application (${id}): at most TIMES the best binary diff`,
        delta(id),
        best,
        TARGETS.application_to_best,
      ),
      ...ratio(
        `application (${id}): at most TIMES rauc's adaptive mode`,
        delta(id),
        find(results, id, 'rauc, adaptive')?.fetched_bytes,
        TARGETS.application_to_rauc,
      ),
    );
  }
  const xdelta3 = find(results, 'libraries', 'xdelta3')?.fetched_bytes;
  verdicts.push(
    ...ratio(
      'twenty libraries: at most TIMES xdelta3',
      delta('libraries'),
      xdelta3,
      TARGETS.libraries_to_xdelta3,
    ),
  );
  return verdicts;
}

/** The least that any of the others needs that know both sides. */
function bestDiff(results: UpdateResults, id: VariantId): number | undefined {
  const others = results.variants
    .find((variant) => variant.id === id)
    ?.contestants.filter(({ kind, name }) => kind === 'delta' && !name.startsWith('Bulkhead'));
  return others?.length ? Math.min(...others.map(({ fetched_bytes }) => fetched_bytes)) : undefined;
}

function ratio(target: string, value: number | undefined, of: number | undefined, limit: number): Verdict[] {
  if (value === undefined || of === undefined) return [];
  return [
    {
      target: target.replace('TIMES', `${limit} times`),
      measured: `${(value / of).toFixed(3)} (${value} to ${of} bytes)`,
      met: value <= of * limit,
    },
  ];
}

function blocksOverhead(results: UpdateResults): Verdict[] {
  return results.variants.flatMap(({ id, new_blocks }) => {
    const found = find(results, id, 'Bulkhead, blocks');
    if (!found) return [];
    const over_bytes = found.fetched_bytes - new_blocks * RAUC_CHUNK_BYTES;
    return [
      {
        target: `blocks (${id}): at most ${TARGETS.blocks_overhead_bytes} bytes above the blocks`,
        measured: `${over_bytes} bytes above ${new_blocks} blocks`,
        met: over_bytes <= TARGETS.blocks_overhead_bytes,
      },
    ];
  });
}

function repeated({ killed }: UpdateResults): Verdict[] {
  if (killed.length === 0) return [];
  const most_bytes = Math.max(...killed.map(({ repeated_bytes }) => repeated_bytes));
  return [
    {
      target: `killed transfer: repeats at most ${TARGETS.repeated_bytes} bytes`,
      measured: `${killed.map(({ repeated_bytes }) => repeated_bytes).join(', ')} bytes carried twice on a line of ${LINE_BYTES_PER_S / 1e6} MB/s`,
      met: most_bytes <= TARGETS.repeated_bytes,
    },
  ];
}

function neverLarger(results: UpdateResults): Verdict[] {
  const larger = results.variants.flatMap(({ id, contestants }) => {
    const full = find(results, id, 'Bulkhead, full')?.fetched_bytes ?? Number.POSITIVE_INFINITY;
    return contestants.filter(
      ({ name, fetched_bytes }) =>
        name.startsWith('Bulkhead') && !name.endsWith('file') && fetched_bytes > full,
    );
  });
  return [
    {
      target: 'never larger than the full payload',
      measured: larger.length === 0 ? 'none was' : larger.map(({ name }) => name).join(', '),
      met: larger.length === 0,
    },
  ];
}

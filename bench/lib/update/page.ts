import { IDLE_LOAD_MAX } from '../limits.ts';
import type { ContestantResult, Measurement, UpdateResults, VariantResult } from './results.ts';
import { judge, medianOf } from './verdicts.ts';

/** docs/reference/update-numbers.md, all of it out of the results: no figure in it was written by hand. Pure. */
export function renderPage(results: UpdateResults): string {
  const parts = [
    HEAD,
    '## Targets',
    table(
      ['target', 'measured', 'met'],
      judge(results).map(({ target, measured, met }) => [target, measured, met ? 'yes' : 'NO']),
    ),
    '## Bytes that a box fetches',
    changes(results),
    bytesTable(results),
    notes(results),
    ...results.variants
      .filter(isTimed)
      .flatMap((variant) => [
        `## Seconds and memory: ${variant.title}`,
        `Medians of ${results.runs} runs; in brackets the least and the most.`,
        timesTable(variant),
      ]),
    '## Measured on',
    table(['what', 'value'], hostRows(results)),
  ];
  return `${parts.join('\n\n')}\n`;
}

const HEAD = `# Numbers of an update

What an update costs beside what others would cost. This page is made by \`npm run bench:update\`; \`bench/results/update.json\` has the same and more
for programs.

* **Two root file systems**: the tree that \`npm run iso\` built last with the program of this checkout, and the same after one
  change. Slot images of both are made as for a release. Everybody gets the same two images.
* **The device** is a loop device over a file of the disk, opened past the page cache. It is filled with zeros before each run, and what
  is on it after a run is compared with the target.
* **Caches** are dropped before each run. Contestants run in turn, another one first in each round.
* **Seconds** run from the start of the first process to the end of the last. Those of Bulkhead include the start of the program, the
  fetch over HTTP on the loopback, every digest and signature, an uncached read-back of the whole slot, and the
  journal that lets it go on after a power cut. The others are given their files locally, unless it is said otherwise, and
  verify nothing but their own checksums.
* **Memory** is the largest resident set of each process (\`/usr/bin/time\`), added up over a pipeline. Of Bulkhead's, what is mapped from
  the program's file is listed apart: the agent, which always runs, is the same file and has it in memory already.
* **Written** is what reached the block device.
* **Rebuilt files** of the last two kinds of change are not compiled but made from the built ones (\`bench/lib/update/rebuilt-elf.ts\`): in each a function
  grows by 16 to 256 bytes, what follows moves, and all calls, operands, tables and pointers that cross it are changed. One
  growth in a file is the simplest rebuild there is: it favours a codec that follows references, and a compiler changes more. "Debian point
  release" is a set of packages that such a release touches, changed in that way, not a real one; the kernel is left out.`;

function isTimed({ contestants }: VariantResult): boolean {
  return contestants.some(({ runs }) => runs.length > 0);
}

function changes({ variants }: UpdateResults): string {
  return table(
    ['change', 'what', 'files', 'their bytes', 'new blocks of 4 KiB'],
    variants.map(({ title, change, changed_files, changed_bytes, new_blocks }) => [
      ...[title, change, count(changed_files), count(changed_bytes), count(new_blocks)],
    ]),
  );
}

function bytesTable({ variants }: UpdateResults): string {
  const names = [...new Set(variants.flatMap(({ contestants }) => contestants.map(({ name }) => name)))];
  const cell = (variant: VariantResult, name: string) => {
    const found = variant.contestants.find((one) => one.name === name);
    return found ? count(found.fetched_bytes) : '';
  };
  return table(
    ['', ...variants.map(({ title }) => title)],
    names.map((name) => [name, ...variants.map((variant) => cell(variant, name))]),
  );
}

function notes({ variants }: UpdateResults): string {
  const all = new Map<string, ContestantResult>();
  for (const { contestants } of variants) for (const one of contestants) all.set(one.name, one);
  const how = { run: 'run', made: 'made, not run', computed: 'computed, not run' };
  return [...all.values()].map((one) => `* **${one.name}** (${how[one.how]}): ${one.note}.`).join('\n');
}

function timesTable({ contestants }: VariantResult): string {
  return table(
    [
      '',
      'seconds',
      'processor seconds',
      'read-back',
      'peak memory, MB',
      'of it file-backed',
      'written, MB',
      'fetched',
    ],
    contestants
      .filter(({ runs }) => runs.length > 0)
      .map(({ name, runs, fetched_bytes }) => [
        name,
        spread(runs, (run) => run.seconds, 2),
        spread(runs, (run) => run.processor_s, 2),
        optional(runs, (run) => run.read_back_s, 2, 1),
        spread(runs, (run) => run.peak_bytes / 1e6, 1),
        optional(runs, (run) => run.file_bytes, 1, 1e6),
        medianOf(runs, (run) => run.written_bytes / 1e6).toFixed(1),
        count(fetched_bytes),
      ]),
  );
}

function spread(runs: readonly Measurement[], value: (run: Measurement) => number, digits: number): string {
  const values = runs.map(value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${medianOf(runs, value).toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

/** Empty where not every run has it. */
function optional(
  runs: readonly Measurement[],
  value: (run: Measurement) => number | undefined,
  digits: number,
  unit: number,
): string {
  const values = runs.flatMap((run) => value(run) ?? []);
  return values.length < runs.length ? '' : (medianOf(runs, (run) => value(run) ?? 0) / unit).toFixed(digits);
}

function hostRows({ host, tools, device, runs, zstd_level, variants }: UpdateResults): string[][] {
  const loads = variants.flatMap(({ contestants }) =>
    contestants.flatMap((one) => one.runs.map(({ load }) => load)),
  );
  const [least, most] = [Math.min(...loads), Math.max(...loads)];
  const calm = (host.load_before[0] ?? 0) <= IDLE_LOAD_MAX && host.machines_before === 0;
  return [
    [
      'computer',
      `${host.cpu}, ${host.cores} cores, ${(host.memory_bytes / 1e9).toFixed(0)} GB, Linux ${host.kernel}`,
    ],
    ['device', `${device.backing}, ${count(device.size_bytes)} bytes`],
    ['runs', String(runs)],
    ['effort', `zstd -${zstd_level}${zstd_level < 19 ? ': QUICK, not what a release is made with' : ''}`],
    [
      'load before',
      `${host.load_before.join(', ')}; ${host.machines_before} virtual machines of others; ${calm ? 'idle' : 'NOT IDLE, compare ratios'}`,
    ],
    ['load before each run', loads.length === 0 ? 'nothing was timed' : `${least} to ${most}`],
    ['others', tools.map(({ name, version }) => `${name} ${version}`).join(', ')],
    ['when', `${host.date}, checkout ${host.revision}`],
  ];
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

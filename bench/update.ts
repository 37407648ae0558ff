import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { BulkheadError } from '../base/errors.ts';
import { BUILD, SOURCE } from '../test/qemu/fixtures/image.ts';
import { serveReleases } from '../test/qemu/harness/release-server.ts';
import { hostFacts } from './lib/host-facts.ts';
import { narrator } from './lib/narrate.ts';
import { runBench } from './lib/run-bench.ts';
import { contest } from './lib/update/contest.ts';
import type { Arena } from './lib/update/contestant.ts';
import { killTransfers } from './lib/update/killed.ts';
import {
  DEVICE_SPARE_BYTES,
  type Effort,
  QUICK_EFFORT,
  RELEASE_EFFORT,
  UPDATE_RUNS,
} from './lib/update/limits.ts';
import { openLoopDevice } from './lib/update/measure.ts';
import { ourContestants } from './lib/update/ours.ts';
import { renderPage } from './lib/update/page.ts';
import { installPeers, peerContestants } from './lib/update/peers.ts';
import type { UpdateResults } from './lib/update/results.ts';
import { type BenchSlots, earlierSlots, makeSlots, type VariantSlot } from './lib/update/slots.ts';
import { openSlowLine } from './lib/update/slow-line.ts';

/** `npm run bench:update`: what an update costs, beside what others would cost. See docs/reference/update-numbers.md. */

const RESULTS_FILE = join(import.meta.dirname, 'results/update.json');
const PAGE_FILE = join(SOURCE, 'docs/reference/update-numbers.md');

interface BenchOptions {
  runs?: number;
  quick?: true;
  reuse?: true;
  work: string;
  keep?: true;
  page: boolean;
}

const program = new Command('bench:update')
  .description(
    'Measures full and delta updates of five kinds of change beside zstd, xdelta3, bsdiff, casync, zchunk and (computed) rauc, on one ' +
      'loop device. Needs root, an image that was built, 8 GB of disk and about an hour, most of it for what the others have ' +
      'to make. Installs what is missing of them. Writes bench/results/update.json and docs/reference/update-numbers.md.',
  )
  .option(
    '--runs <count>',
    `runs of each contestant, in turn (default: ${UPDATE_RUNS}, with --quick 1)`,
    parseRuns,
  )
  .option(
    '--quick',
    'one run of each, faster compression, no bsdiff of large files: ten minutes; its bytes are not those of releases',
  )
  .option('--reuse', 'take the slot images of the run before')
  .option('--work <folder>', 'where slot images and what is made of them lie', join(BUILD, 'bench/update'))
  .option('--keep', 'leave them there for the next run')
  .option('--no-page', 'print only: leave the files as they are')
  .addHelpText('after', '\nExample:\n  npm run bench:update -- --quick --keep\n')
  .showHelpAfterError();

await runBench(program, measure);

async function measure(options: BenchOptions): Promise<void> {
  const say = narrator();
  const work = resolve(options.work);
  const runs = options.runs ?? (options.quick ? 1 : UPDATE_RUNS);
  const effort = options.quick ? QUICK_EFFORT : RELEASE_EFFORT;
  requireReady();
  mkdirSync(work, { recursive: true });
  const tools = await installPeers();
  const slots = (options.reuse && earlierSlots(work)) || (await makeSlots(work, say));
  const host = await hostFacts();
  const results: UpdateResults = {
    host,
    tools,
    runs,
    zstd_level: effort.zstd_level,
    ...(await contestAll(work, slots, runs, effort, say)),
  };
  if (!options.keep) rmSync(work, { recursive: true, force: true });
  const page = renderPage(results);
  process.stdout.write(page);
  if (!options.page) return;
  mkdirSync(dirname(RESULTS_FILE), { recursive: true });
  writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(PAGE_FILE, page);
}

async function contestAll(
  work: string,
  slots: BenchSlots,
  runs: number,
  effort: Effort,
  say: Arena['say'],
): Promise<Pick<UpdateResults, 'device' | 'variants' | 'killed'>> {
  const size_bytes =
    Math.max(...slots.variants.map(({ manifest }) => manifest.blob_bytes)) + DEVICE_SPARE_BYTES;
  const server = await serveReleases(work, 0);
  const device = await openLoopDevice(join(work, 'device.img'), size_bytes);
  try {
    const arena: Arena = { work, device: device.path, base: slots.base, effort, server, say };
    const ours = await ourContestants(arena);
    const contestants = [...ours, ...peerContestants(arena)];
    const variants: UpdateResults['variants'] = [];
    for (const slot of slots.variants) variants.push(await contest(arena, slot, contestants, runs));
    const [last] = slots.variants.slice(-1);
    say('killing transfers');
    const killed = last ? await killOnLine(arena, last) : [];
    const backing = `loop device, direct I/O, over a file of ${backingOf(work)}`;
    return { device: { backing, size_bytes }, variants, killed };
  } finally {
    await device.close();
    await server.close();
  }
}

async function killOnLine(arena: Arena, slot: VariantSlot): Promise<UpdateResults['killed']> {
  const line = await openSlowLine(arena.server.port);
  try {
    const [full] = await ourContestants({ ...arena, server: { ...arena.server, port: line.port } });
    return full ? await killTransfers(arena, slot, full, line) : [];
  } finally {
    await line.close();
  }
}

/** The file system that a folder lies on, by the longest mount point that leads to it. */
function backingOf(folder: string): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, place = '']) => `${folder}/`.startsWith(place === '/' ? place : `${place}/`))
    .sort(([, a = ''], [, b = '']) => b.length - a.length);
  const [device = 'an unknown disk', , type = ''] = mounts[0] ?? [];
  return `${device} (${type})`;
}

/** @throws BulkheadError BENCH_NOT_READY */
function requireReady(): void {
  const why =
    process.getuid?.() !== 0
      ? { what: 'loop devices and caches need root', hint: 'run it as root' }
      : existsSync(join(BUILD, 'work/tree'))
        ? undefined
        : { what: 'there is no root tree in build/work/tree', hint: 'npm run iso makes one' };
  if (why)
    throw new BulkheadError('BENCH_NOT_READY', `the bench cannot begin: ${why.what}`, { hint: why.hint });
}

function parseRuns(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('a number from 1 to 99');
  return Number(text);
}

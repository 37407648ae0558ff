import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { BulkheadError } from '../base/errors.ts';
import { BUILD, ISO_FILE, readManifest, SLOT_FILE, SOURCE } from '../test/qemu/fixtures/image.ts';
import { measureBoots } from './lib/boots.ts';
import { measureBuilds } from './lib/builds.ts';
import { hostFacts } from './lib/host-facts.ts';
import { RUNS_DEFAULT } from './lib/limits.ts';
import { narrator } from './lib/narrate.ts';
import { renderMarkdown, renderText, replaceNumbers } from './lib/render.ts';
import { describeResults } from './lib/report.ts';
import type { ImageSizes, MachineResults } from './lib/results.ts';
import { runBench } from './lib/run-bench.ts';

/** `npm run bench:machine`: the numbers of the machine. What they mean is in docs/reference/numbers.md. */

const RESULTS_FILE = join(import.meta.dirname, 'results/machine.json');
const PAGE_FILE = join(SOURCE, 'docs/reference/numbers.md');

interface BenchOptions {
  runs: number;
  boots: boolean;
  builds: boolean;
  queue: boolean;
  page: boolean;
}

const program = new Command('bench:machine')
  .description(
    'Measures what was built last: sizes, power-on to status page beside a plain Debian on the same virtual machine, memory, ' +
      'build times, and whether two builds give the same bytes. Takes a quarter of an hour on two cores without KVM; let ' +
      'nothing else run. Writes bench/results/machine.json and the table in docs/reference/numbers.md.',
  )
  .option('--runs <count>', 'boots of each side, in turn', parseRuns, RUNS_DEFAULT)
  .option('--no-boots', 'leave boots and memory as measured before')
  .option('--no-builds', 'leave the builds as measured before')
  .option(
    '--queue',
    'wait for a place among the virtual machines of others instead of starting at once',
    false,
  )
  .option('--no-page', 'print only: leave the files as they are')
  .addHelpText('after', '\nExample:\n  npm run bench:machine -- --runs 5 --no-builds\n')
  .showHelpAfterError();

await runBench(program, measure);

async function measure(options: BenchOptions): Promise<void> {
  const say = narrator();
  const results: MachineResults = { ...earlierResults(), image: imageSizes() };
  if (options.boots) {
    const host = await hostFacts();
    results.boots = { host, ...(await measureBoots(options.runs, options.queue, say)) };
    rmSync(join(BUILD, 'bench/disks'), { recursive: true, force: true });
  }
  if (options.builds) {
    const host = await hostFacts();
    results.builds = { host, ...(await measureBuilds(say)) };
  }
  const sections = describeResults(results);
  process.stdout.write(renderText(sections));
  if (!options.page) return;
  mkdirSync(dirname(RESULTS_FILE), { recursive: true });
  writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 2)}\n`);
  const page = replaceNumbers(readFileSync(PAGE_FILE, 'utf8'), renderMarkdown(sections));
  if (page === undefined) throw new BulkheadError('BENCH_PAGE_MARKERS', `${PAGE_FILE} has lost its markers`);
  writeFileSync(PAGE_FILE, page);
}

/** Of the run before: this program's own file, from this checkout. */
function earlierResults(): Partial<MachineResults> {
  if (!existsSync(RESULTS_FILE)) return {};
  return JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as MachineResults;
}

/** @throws BulkheadError TEST_IMAGE_MISSING */
function imageSizes(): ImageSizes {
  const { version, revision } = readManifest();
  const file = join(dirname(ISO_FILE), 'bulkhead');
  return {
    ...{ version, revision },
    iso_bytes: statSync(ISO_FILE).size,
    slot_bytes: statSync(SLOT_FILE).size,
    program_bytes: existsSync(file) ? statSync(file).size : 0,
  };
}

function parseRuns(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('a number from 1 to 99');
  return Number(text);
}

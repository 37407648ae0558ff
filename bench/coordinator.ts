import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { run, runOrThrow } from '../base/run.ts';
import { startPostgres } from '../test/coordinator/postgres.ts';
import { SOURCE } from '../test/qemu/fixtures/image.ts';
import { measureChecks } from './lib/coordinator/ceilings.ts';
import { measureEnrolment } from './lib/coordinator/enrolment.ts';
import { measureLoad } from './lib/coordinator/figures.ts';
import { CONNECTIONS, type Effort, FULL_EFFORT, QUICK_EFFORT } from './lib/coordinator/limits.ts';
import { measureSize } from './lib/coordinator/measure-size.ts';
import { renderPage } from './lib/coordinator/page.ts';
import type { CoordinatorResults, LoadFigures } from './lib/coordinator/results.ts';
import { makeSenders } from './lib/coordinator/senders.ts';
import { startServer } from './lib/coordinator/server.ts';
import { hostFacts } from './lib/host-facts.ts';
import { narrator } from './lib/narrate.ts';
import { runBench } from './lib/run-bench.ts';

/** `npm run bench:coordinator`: what appliances cost their coordinator. See docs/reference/coordinator-numbers.md. */

const RESULTS_FILE = join(import.meta.dirname, 'results/coordinator.json');
const PAGE_FILE = join(SOURCE, 'docs/reference/coordinator-numbers.md');

interface BenchOptions {
  quick?: boolean;
  sizes?: number[];
  postgres: boolean;
  page: boolean;
}

const program = new Command('bench:coordinator')
  .description(
    'Measures heartbeats with durable state beside the ceilings of their parts, on SQLite and on a PostgreSQL that is started for it, ' +
      'and pages, memory, planning and enrolment with fleets of several sizes. Takes a quarter of an hour on two cores; let nothing else ' +
      'run. Writes bench/results/coordinator.json and docs/reference/coordinator-numbers.md.',
  )
  .option('--quick', 'small fleets and short loads: a minute or two; its numbers are not those of fleets')
  .option('--sizes <counts>', 'sizes of the fleets instead, like 1000,10000', parseSizes)
  .option('--no-postgres', 'leave PostgreSQL out')
  .option('--no-page', 'print only: leave the files as they are')
  .addHelpText('after', '\nExample:\n  npm run bench:coordinator -- --quick --no-page\n')
  .showHelpAfterError();

await runBench(program, measure);

async function measure({ quick = false, sizes, postgres, page }: BenchOptions) {
  const say = narrator();
  const chosen = quick ? QUICK_EFFORT : FULL_EFFORT;
  const effort: Effort = { ...chosen, sizes: sizes ?? chosen.sizes };
  const host = await hostFacts();
  const work = mkdtempSync(join(tmpdir(), 'bh-bench-'));
  // PostgreSQL runs as a user of its own.
  chmodSync(work, 0o755);
  try {
    say('ceilings');
    const ceilings = { ...measureChecks(), empty: await measureEmpty(effort) };
    const sqlite: CoordinatorResults['sqlite'] = [];
    for (const appliances of effort.sizes) {
      const data = join(work, String(appliances));
      sqlite.push(await measureSize(appliances, effort, { data }, true, say));
      rmSync(data, { recursive: true });
    }
    say('enrolment');
    const enrolment = await measureEnrolment(join(work, 'enrolment'), effort.enrolments);
    const results: CoordinatorResults = {
      ...{ host, quick, ceilings, sqlite, enrolment },
      postgres: postgres ? await onPostgres(work, effort, say) : null,
    };
    const text = renderPage(results);
    process.stdout.write(text);
    if (!page) return;
    mkdirSync(dirname(RESULTS_FILE), { recursive: true });
    writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 2)}\n`);
    writeFileSync(PAGE_FILE, text);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function measureEmpty(effort: Effort): Promise<LoadFigures> {
  const server = await startServer([join(SOURCE, 'bench/empty-server.ts')]);
  try {
    const senders = makeSenders('empty', 200, new Uint8Array(32));
    const once = () =>
      measureLoad(server, CONNECTIONS, senders.heartbeats(server.port, 200, true), effort.load_ms);
    // What is not compiled yet is not what is asked for.
    await once();
    return await once();
  } finally {
    await server.stop();
  }
}

/** The size in the middle: enough to see what another database changes. */
async function onPostgres(work: string, effort: Effort, say: (text: string) => void) {
  const appliances = effort.sizes[Math.floor((effort.sizes.length - 1) / 2)];
  if (appliances === undefined) return null;
  const folder = join(work, 'pg');
  mkdirSync(folder);
  const server = await startPostgres(folder, { durable: true });
  try {
    const url = await server.makeDatabase();
    say(`PostgreSQL with ${appliances} appliances`);
    const size = await measureSize(appliances, effort, { data: join(work, 'pg-data'), url }, false, say);
    const version = await runOrThrow(run, 'psql', ['-At', '-c', 'show server_version', url]);
    return { version: version.trim(), size };
  } finally {
    await server.stop();
  }
}

function parseSizes(text: string): number[] {
  const sizes = text.split(',').map(Number);
  if (sizes.some((size) => !Number.isInteger(size) || size < 50 || size > 1_000_000))
    throw new InvalidArgumentError('sizes from 50 to 1000000, like 1000,10000');
  return sizes;
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { SOURCE } from '../test/qemu/fixtures/image.ts';
import { hostFacts } from './lib/host-facts.ts';
import { narrator } from './lib/narrate.ts';
import { runBench } from './lib/run-bench.ts';
import { FULL_EFFORT, QUICK_EFFORT } from './lib/sensors/limits.ts';
import { type ProofFigures, proveLoad, TROUBLES } from './lib/sensors/load/load-proof.ts';
import { measureHealing, measureMemory, measureWays } from './lib/sensors/measure.ts';
import { renderPage } from './lib/sensors/page.ts';
import type { SensorResults } from './lib/sensors/results.ts';

/** `npm run bench:sensors`: what sensors cost the appliance. See docs/reference/sensor-numbers.md. */

const RESULTS_FILE = join(import.meta.dirname, 'results/sensors.json');
const PAGE_FILE = join(SOURCE, 'docs/reference/sensor-numbers.md');

interface BenchOptions {
  quick?: boolean;
  proof: boolean;
  page: boolean;
}

const program = new Command('bench:sensors')
  .description(
    'Measures events with durable acknowledgement by gRPC and HTTP beside the same service with nothing behind it, memory of a connected ' +
      'sensor, the time from a drift to its command, and three loads of 500 sensors and 2,000 events a second for ten minutes: undisturbed, with the service ' +
      'killed each minute, with a full disk. Takes forty minutes on two cores; let nothing else run. Writes bench/results/sensors.json and docs/reference/sensor-numbers.md.',
  )
  .option('--quick', 'short loads: two minutes')
  .option('--no-proof', 'leave the loads of ten minutes out')
  .option('--no-page', 'print only: leave the files as they are')
  .addHelpText('after', '\nExample:\n  npm run bench:sensors -- --quick --no-page\n')
  .showHelpAfterError();

await runBench(program, measure);

async function measure({ quick = false, proof, page }: BenchOptions) {
  const say = narrator();
  const effort = quick ? QUICK_EFFORT : FULL_EFFORT;
  const host = await hostFacts();
  const work = mkdtempSync(join(tmpdir(), 'bh-bench-'));
  try {
    const ways = await measureWays(work, effort, say);
    say('memory of connected sensors');
    const memory = await measureMemory(work, effort);
    say('from drift to command');
    const heal = await measureHealing(work, effort);
    const proofs: ProofFigures[] = [];
    for (const trouble of proof ? TROUBLES : []) {
      const { sensors, per_s } = effort.proof;
      say(`${sensors} sensors, ${per_s} events a second; trouble: ${trouble}`);
      proofs.push(await proveLoad(join(work, 'proof'), effort.proof, trouble));
    }
    const results: SensorResults = { host, quick, ways, memory, heal, proofs };
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

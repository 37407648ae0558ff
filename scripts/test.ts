import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What `npm test` runs, in the order in which a mistake shows soonest: style, types, code that nothing uses, unit tests, the
 * modules for Nix, the image, boot tests. The last line counts every test of every stage.
 *
 *   bun scripts/test.ts [unit|nix|boot] [--full]
 */
const source = join(import.meta.dirname, '..');
const bun = process.execPath;
const PARTS = ['unit', 'nix', 'boot'];
const words = process.argv.slice(2);
const unknown = words.find((word) => word !== '--full' && !PARTS.includes(word));
if (unknown !== undefined) {
  // A run that was spelt wrong would run nothing, or not what was meant.
  process.stderr.write(`'${unknown}' is no part of the tests; known: ${PARTS.join(', ')}, --full\n`);
  process.exit(2);
}
const only = words.find((word) => PARTS.includes(word));
const full = words.includes('--full');

interface Stage {
  name: string;
  wanted: boolean;
  command: string[];
  /** File that vitest writes its results to, for stages that run tests. */
  results?: string;
}

const vitest = (project: string): Pick<Stage, 'command' | 'results'> => {
  const results = join(source, `build/test-results/${project}.json`);
  return {
    results,
    command: [
      bun,
      '--bun',
      join(source, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${results}`,
    ],
  };
};

const stages: Stage[] = [
  {
    name: 'style',
    wanted: only === undefined || only === 'unit',
    command: [join(source, 'node_modules/.bin/biome'), 'check', '--error-on-warnings', '.'],
  },
  {
    name: 'types',
    wanted: only === undefined || only === 'unit',
    command: [join(source, 'node_modules/.bin/tsc'), '--noEmit'],
  },
  {
    name: 'unused code',
    wanted: only === undefined || only === 'unit',
    command: [bun, '--bun', join(source, 'node_modules/knip/bin/knip.js'), '--no-progress'],
  },
  { name: 'unit tests', wanted: only === undefined || only === 'unit', ...vitest('unit') },
  { name: 'nix', wanted: only === undefined || only === 'nix', ...vitest('nix') },
  {
    name: 'image',
    wanted: only === undefined || only === 'boot',
    command: [bun, join(source, 'scripts/build.ts'), 'iso', '--if-changed'],
  },
  {
    name: 'coordinator',
    wanted: only === undefined || only === 'boot',
    command: [bun, join(source, 'scripts/build.ts'), 'coordinator'],
  },
  { name: 'boot tests', wanted: only === undefined || only === 'boot', ...vitest('boot') },
];

/** Passed, failed and skipped tests in a results file of vitest; nothing counted when it did not come about. */
function count(results: string): { passed: number; failed: number; skipped: number } {
  if (!existsSync(results)) return { passed: 0, failed: 1, skipped: 0 };
  const read = JSON.parse(readFileSync(results, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
  };
  return { passed: read.numPassedTests, failed: read.numFailedTests, skipped: read.numPendingTests };
}

mkdirSync(join(source, 'build/test-results'), { recursive: true });
const total = { passed: 0, failed: 0, skipped: 0 };
let broken = false;
for (const stage of stages) {
  if (!stage.wanted) continue;
  process.stdout.write(`\n— ${stage.name}\n`);
  if (stage.results) rmSync(stage.results, { force: true });
  const start = performance.now();
  const child = Bun.spawn(stage.command, {
    cwd: source,
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...process.env, ...(full ? { BULKHEAD_FULL: '1' } : {}) },
  });
  const code = await child.exited;
  process.stdout.write(
    `— ${stage.name}: ${code === 0 ? 'done' : `failed (${code})`} after ${((performance.now() - start) / 1000).toFixed(0)} s\n`,
  );
  if (stage.results) {
    const counted = count(stage.results);
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counted[key];
  }
  if (code !== 0) {
    broken = true;
    // What follows builds on what failed; these alone leave the boot tests meaningful.
    if (!['unit tests', 'nix'].includes(stage.name)) break;
  }
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = broken || total.failed > 0 || total.passed === 0 ? 1 : 0;

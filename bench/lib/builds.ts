import { createHash } from 'node:crypto';
import { appendFileSync, createReadStream, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { run } from '../../base/run.ts';
import { VERSION } from '../../base/version.ts';
import { BUILD } from '../../test/qemu/fixtures/image.ts';
import { BUILD_TIMEOUT_MS } from './limits.ts';
import { scratchCheckout } from './scratch-checkout.ts';
import { round } from './statistics.ts';

/** One build of everything, in a checkout of its own. */
export interface TimedBuild {
  total_s: number;
  /** Seconds by step, as the build itself reports them. */
  steps: Record<string, number>;
  iso_bytes: number;
  slot_bytes: number;
  program_bytes: number;
  iso_sha256: string;
  slot_sha256: string;
}

export interface Builds {
  /** Code has changed, everything else is there. */
  rebuild: TimedBuild;
  /** Only the fetched packages are there; other folder, time zone, language and umask. */
  clean: TimedBuild;
  same_bytes: boolean;
}

/** Two builds of the same sources that share as little as two machines would, compared byte by byte. */
export async function measureBuilds(progress: (text: string) => void): Promise<Builds> {
  const first = join(BUILD, 'bench/checkout');
  // Another length of path, too: one that leaks into a file would move what follows it.
  const second = join(BUILD, 'bench/elsewhere', 'a-checkout-with-a-longer-name');
  try {
    progress('building again after a change of code');
    await scratchCheckout(first, true);
    // The change: a comment, so that the program is the same and its bytes can be compared with the other build's.
    appendFileSync(join(first, 'appliance/main.ts'), '// changed\n');
    let rebuild = await timedBuild(first, {});
    if ('initrd' in rebuild.steps) {
      // What was built last in this checkout was older than its sources: only now everything else is there.
      appendFileSync(join(first, 'appliance/main.ts'), '// changed again\n');
      rebuild = await timedBuild(first, {});
    }
    progress('building everything in another place');
    await scratchCheckout(second, false);
    appendFileSync(join(second, 'appliance/main.ts'), '// changed\n');
    const clean = await timedBuild(second, { TZ: 'Asia/Kathmandu', LC_ALL: 'de_DE.UTF-8' }, '077');
    const same_bytes = rebuild.iso_sha256 === clean.iso_sha256 && rebuild.slot_sha256 === clean.slot_sha256;
    return { rebuild, clean, same_bytes };
  } finally {
    rmSync(first, { recursive: true, force: true });
    rmSync(join(second, '..'), { recursive: true, force: true });
  }
}

async function timedBuild(
  checkout: string,
  environment: Record<string, string>,
  umask = '022',
): Promise<TimedBuild> {
  const dist = join(checkout, 'dist');
  const start = performance.now();
  const result = await run(
    'sh',
    [
      ...['-c', 'umask "$1"; cd "$2"; shift 2; exec "$@" 2>&1', 'build', umask, checkout],
      ...[join(checkout, 'node_modules/.bin/bun'), 'scripts/build.ts', 'iso', '--dist', dist],
    ],
    { timeout_ms: BUILD_TIMEOUT_MS, env: { ...mirrorEnvironment(), TMPDIR: tmpdir(), ...environment } },
  );
  const total_s = (performance.now() - start) / 1000;
  if (result.code !== 0) {
    throw new BulkheadError(
      'BENCH_BUILD_FAILED',
      `the build in ${checkout} failed: ${result.stdout.slice(-2000)}`,
    );
  }
  const iso = join(dist, `bulkhead-${VERSION}.iso`);
  const slot = join(dist, `bulkhead-${VERSION}.slot`);
  return {
    total_s: round(total_s, 1),
    steps: parseSteps(result.stdout),
    iso_bytes: statSync(iso).size,
    slot_bytes: statSync(slot).size,
    program_bytes: statSync(join(dist, 'bulkhead')).size,
    iso_sha256: await digest(iso),
    slot_sha256: await digest(slot),
  };
}

/** Which Debian mirror to use is the caller's choice; nothing else of his environment shapes a build. */
function mirrorEnvironment(): Record<string, string> {
  const names = ['BULKHEAD_DEBIAN_MIRROR', 'BULKHEAD_DEBIAN_SECURITY_MIRROR'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** `✓ ISO          128.4 MiB (48.9 s)` of scripts/build.ts. A step that reports twice counts twice. */
export function parseSteps(printed: string): Record<string, number> {
  const steps: Record<string, number> = {};
  for (const [, name = '', seconds = ''] of printed.matchAll(/✓ (\S.*?) {2,}.* \((\d+\.\d) s\)$/gm))
    steps[name] = round((steps[name] ?? 0) + Number(seconds), 1);
  return steps;
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

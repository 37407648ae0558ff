import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../../../base/errors.ts';
import { quantile } from '../../coordinator/load.ts';
import { median, round } from '../../statistics.ts';
import type { ProofEffort } from '../limits.ts';
import type { AgentTask } from './agent-process.ts';
import { letIn } from './let-in.ts';
import { DRAIN_MS } from './limits.ts';
import { PacedSensor } from './paced-sensor.ts';
import { readPages } from './page-reader.ts';
import { startProcess } from './process.ts';
import { type SiteUnderLoad, startSiteUnderLoad } from './site-under-load.ts';
import { makeSmallDisk, type SmallDisk } from './small-disk.ts';
import { readStore } from './store-reader.ts';

/** `killed`: the process, again and again. `full`: the last block of its file system is taken for the first third of the time. */
export const TROUBLES = ['none', 'killed', 'full'] as const;
export type Trouble = (typeof TROUBLES)[number];

/** What a load at a given pace has left behind. */
export interface ProofFigures extends ProofEffort {
  trouble: Trouble;
  made: number;
  acknowledged: number;
  /** Events that were seen in the store, and of them those that were there more than once. */
  stored: number;
  twice: number;
  /** Times that a sensor was cut off, and that the service was started again. */
  cut: number;
  restarts: number;
  /** From the moment that it was found to its acknowledgement, whatever came between. */
  median_ms: number;
  p99_ms: number;
  /** Of the status page and its page of the site, read all the while. */
  pages: number;
  page_median_ms: number;
  page_p99_ms: number;
  /** Of the service, in the first and the last quarter of the time. */
  memory_first_bytes: number;
  memory_last_bytes: number;
  /** Processor time of the service by that of the clock: 1 is a whole core. */
  processor_share: number;
}

/** Paced in steps of this: short beside a commit. */
const STEP_MS = 20;
const SAMPLE_MS = 1_000;

/**
 * So many sensors, each with a connection and a stream, find so many events a second together, and keep each until it is acknowledged.
 * Nothing is slowed down when answers are late: then events pile up at the sensors, and that is seen.
 *
 * @throws BulkheadError BENCH_PROOF when events are still without an answer long after the load and the trouble are over
 */
export async function proveLoad(
  place: string,
  effort: ProofEffort,
  trouble: Trouble = 'none',
): Promise<ProofFigures> {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const disk = trouble === 'full' ? await makeSmallDisk(place) : null;
  const folder = join(disk?.folder ?? place, 'site');
  mkdirSync(folder);
  try {
    const socket = join(place, 'control.sock');
    const known = await letIn(folder, effort.sensors);
    const site = await startSiteUnderLoad(folder, socket, effort.sensors);
    const reader = readStore(
      join(folder, 'site.db'),
      Math.ceil((effort.per_s * effort.seconds) / effort.sensors),
    );
    const load = await loadSite(site, { place, socket, effort, trouble, disk, known });
    return { ...effort, trouble, ...load, ...countStored(await reader.stop()) };
  } finally {
    await disk?.end();
  }
}

interface Load {
  place: string;
  socket: string;
  effort: ProofEffort;
  trouble: Trouble;
  disk: SmallDisk | null;
  known: Awaited<ReturnType<typeof letIn>>;
}

async function loadSite(site: SiteUnderLoad, { place, socket, effort, trouble, disk, known }: Load) {
  const task: AgentTask = { folder: place, socket };
  const environment = { PAGES_TASK: JSON.stringify(task) };
  const agent = await startProcess('bench/lib/sensors/load/agent-process.ts', environment);
  const latencies: number[] = [];
  const sensors: PacedSensor[] = [];
  try {
    for (const keys of known.sensors)
      sensors.push(new PacedSensor(site.grpc_port, known.authority_pem, keys, (ms) => latencies.push(ms)));
    const url = `http://127.0.0.1:${(agent.said as { port: number }).port}`;
    const reader = readPages([`${url}/`, `${url}/site`]);
    const memory: number[] = [];
    const before_s = site.processor_s();
    const sampler = setInterval(() => {
      memory.push(site.memory_bytes());
      site.processor_s();
    }, SAMPLE_MS);
    const begun_ms = performance.now();
    const troubles = troubleFor(trouble, effort, site, disk);
    const made = await pace(sensors, effort, () => troubles((performance.now() - begun_ms) / 1000));
    const late_ms = performance.now() + DRAIN_MS;
    while (sensors.some(({ waiting }) => waiting > 0) && performance.now() < late_ms)
      await Bun.sleep(STEP_MS);
    clearInterval(sampler);
    const took_s = (performance.now() - begun_ms) / 1000;
    const processor_share = round((site.processor_s() - before_s) / took_s, 2);
    const pages = (await reader.stop()).sort();
    const waiting = sensors.reduce((sum, one) => sum + one.waiting, 0);
    if (waiting > 0)
      throw new BulkheadError(
        'BENCH_PROOF',
        `${made} events were found and ${waiting} of them not acknowledged`,
      );
    const sorted = Float64Array.from(latencies).sort();
    const quarter = Math.max(1, Math.floor(memory.length / 4));
    return {
      ...{ made, acknowledged: latencies.length, processor_share, restarts: site.restarts() },
      cut: sensors.reduce((sum, one) => sum + one.cut, 0),
      ...{ median_ms: round(quantile(sorted, 0.5), 1), p99_ms: round(quantile(sorted, 0.99), 1) },
      ...{ pages: pages.length, page_median_ms: round(quantile(pages, 0.5), 1) },
      page_p99_ms: round(quantile(pages, 0.99), 1),
      memory_first_bytes: median(memory.slice(0, quarter)),
      memory_last_bytes: median(memory.slice(-quarter)),
    };
  } finally {
    for (const sensor of sensors) sensor.close();
    agent.child.kill('SIGKILL');
    await site.stop();
  }
}

async function pace(
  sensors: readonly PacedSensor[],
  { per_s, seconds }: ProofEffort,
  each: () => void,
): Promise<number> {
  const begun_ms = performance.now();
  const wanted = per_s * seconds;
  let made = 0;
  while (made < wanted) {
    each();
    const due = Math.min(wanted, Math.floor(((performance.now() - begun_ms) / 1000) * per_s));
    for (; made < due; made += 1) sensors[made % sensors.length]?.make();
    await Bun.sleep(STEP_MS);
  }
  return made;
}

/** What happens to the service while it is under load, by the seconds since the beginning. */
function troubleFor(
  trouble: Trouble,
  { seconds, kill_every_s }: ProofEffort,
  site: SiteUnderLoad,
  disk: SmallDisk | null,
): (at_s: number) => void {
  let done = 0;
  if (trouble === 'killed')
    return (at_s) => {
      // Not in step with anything that runs by the second.
      if (at_s < (done + 0.5 + Math.random() / 2) * kill_every_s) return;
      done += 1;
      site.kill();
    };
  // From the beginning: later there is room in the files themselves, and it may take a while until more is needed.
  const until_s = seconds / 3;
  return (at_s) => {
    // Whatever becomes free meanwhile, because the service gives it up, is taken, too.
    if (at_s < until_s && at_s >= done) {
      done = Math.floor(at_s) + 1;
      disk?.fill();
    }
    if (at_s >= until_s) disk?.empty();
  };
}

function countStored(seen: ReadonlyMap<string, Uint8Array>): { stored: number; twice: number } {
  const counts = [...seen.values()].flatMap((events) => [...events]);
  return {
    stored: counts.filter((times) => times > 0).length,
    twice: counts.filter((times) => times > 1).length,
  };
}

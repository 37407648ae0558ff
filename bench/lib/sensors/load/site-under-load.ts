import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SiteTask } from '../../../../test/site/site-process.ts';
import { processorTime_s } from '../../host-facts.ts';
import { RESTART_PAUSE_MS } from './limits.ts';
import { type ServingProcess, startProcess } from './process.ts';

/** The whole service of the site as a process of its own, started again whenever it ends, as on the appliance. */
export interface SiteUnderLoad {
  grpc_port: number;
  /** How often it was started again. */
  restarts(): number;
  memory_bytes(): number;
  processor_s(): number;
  /** At once, wherever it is. */
  kill(): void;
  stop(): Promise<void>;
}

/** @param folder of its store · @param socket its control socket */
export async function startSiteUnderLoad(
  folder: string,
  socket: string,
  sensors: number,
): Promise<SiteUnderLoad> {
  const grpc_port = freePort();
  const task: SiteTask = {
    ...{ folder, socket, grpc_port, http_port: freePort() },
    // They all come from this machine, and twice while they come back.
    limits: { strangers_max: 2 * sensors, strangers_per_address_max: 2 * sensors },
  };
  const start = () => startProcess('test/site/site-process.ts', { SITE_TASK: JSON.stringify(task) });
  let { child } = await start();
  let stopped = false;
  let restarts = 0;
  /** Of those that have ended. */
  let spent_s = 0;
  let last_s = 0;
  /** As long as it takes: where the disk is full it may not start at all. */
  const startAgain = async (): Promise<ServingProcess | null> => {
    await Bun.sleep(RESTART_PAUSE_MS);
    if (stopped) return null;
    const next = await start().catch(() => null);
    return next?.child ?? startAgain();
  };
  const supervise = async (one: ServingProcess): Promise<void> => {
    await one.exited;
    if (stopped) return;
    spent_s += last_s;
    last_s = 0;
    restarts += 1;
    const next = await startAgain();
    if (next === null) return;
    child = next;
    return supervise(child);
  };
  const supervision = supervise(child);
  return {
    grpc_port,
    restarts: () => restarts,
    memory_bytes: () => (alive(child) ? residentBytes(child.pid) : 0),
    processor_s() {
      if (alive(child)) last_s = processorTime_s(child.pid);
      return spent_s + last_s;
    },
    kill: () => child.kill('SIGKILL'),
    async stop() {
      stopped = true;
      child.stdin.end();
      await child.exited;
      // One that has been started meanwhile has not been told.
      child.kill('SIGKILL');
      await supervision;
    },
  };
}

const alive = ({ exitCode, signalCode }: ServingProcess) => exitCode === null && signalCode === null;

function residentBytes(pid: number): number {
  return (
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(join('/proc', `${pid}`, 'status'), 'utf8'))?.[1]) * 1024
  );
}

function freePort(): number {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SOURCE } from '../../../test/qemu/fixtures/image.ts';
import { type BenchServer, startServer } from '../coordinator/server.ts';
import type { ServicePlace, ServiceTask } from './service-process.ts';

export interface BenchService {
  server: BenchServer;
  place: ServicePlace;
  /** Its store, to be looked into when it has stopped. */
  file: string;
  stop(): Promise<void>;
}

/** Starts the sensor service in a new folder of its own. */
export async function startService(
  folder: string,
  task: Omit<ServiceTask, 'folder' | 'empty'> & { empty?: boolean },
): Promise<BenchService> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const whole: ServiceTask = { empty: false, ...task, folder };
  const server = await startServer([join(SOURCE, 'bench/lib/sensors/service-process.ts')], {
    SERVICE_TASK: JSON.stringify(whole),
  });
  const place = JSON.parse(readFileSync(join(folder, 'place.json'), 'utf8')) as ServicePlace;
  return { server, place, file: join(folder, 'site.db'), stop: () => server.stop() };
}

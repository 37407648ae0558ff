import { createInterface } from 'node:readline';
import type { ConnectionLimits } from '../../appliance/sensors/grpc/listener.ts';
import { startTestSite } from './test-site.ts';

/** The whole service as a process of its own, for a network of its own; healing is on. It ends when its standard input does. */
export interface SiteTask {
  folder: string;
  socket: string;
  http_port: number;
  /** Default: a free one. */
  grpc_port?: number;
  limits?: ConnectionLimits;
}

async function serve({ folder, socket, http_port, grpc_port = 0, ...share }: SiteTask): Promise<void> {
  const site = await startTestSite({
    ...{ folder, socket, sensorPorts: { grpc: grpc_port, http: http_port, host: '127.0.0.1', ...share } },
    // As on the appliance: somebody starts it again.
    onFailure: () => process.exit(1),
    config: { sensors: { enabled: true }, healing: { mode: 'on' }, targets: [] },
  });
  process.stdout.write(`${JSON.stringify({ started: true })}\n`);
  for await (const _ of createInterface({ input: process.stdin }));
  await site.stop();
  process.exit();
}

const text = process.env['SITE_TASK'];
if (text !== undefined) await serve(JSON.parse(text) as SiteTask);

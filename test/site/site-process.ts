import { createInterface } from 'node:readline';
import { startTestSite } from './test-site.ts';

/** The whole service as a process of its own, for a network of its own; healing is on. It ends when its standard input does. */
export interface SiteTask {
  folder: string;
  socket: string;
  http_port: number;
}

async function serve({ folder, socket, http_port }: SiteTask): Promise<void> {
  const site = await startTestSite({
    ...{ folder, socket, sensorPorts: { grpc: 0, http: http_port, host: '127.0.0.1' } },
    config: { sensors: { enabled: true }, healing: { mode: 'on' }, targets: [] },
  });
  process.stdout.write(`${JSON.stringify({ started: true })}\n`);
  for await (const _ of createInterface({ input: process.stdin }));
  await site.stop();
  process.exit();
}

const text = process.env['SITE_TASK'];
if (text !== undefined) await serve(JSON.parse(text) as SiteTask);

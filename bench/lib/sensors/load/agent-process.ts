import { join } from 'node:path';
import { getLogger } from '@logtape/logtape';
import { startAgent } from '../../../../appliance/agent/agent.ts';
import { createServiceManager } from '../../../../appliance/agent/service-manager.ts';
import { loadConfig } from '../../../../appliance/config/load.ts';
import { APPLIANCE_PATHS } from '../../../../appliance/facts/fact-context.ts';
import { ORDER_PATHS } from '../../../../appliance/orders/order-paths.ts';
import { run } from '../../../../base/run.ts';

/** The agent with its status page as a process of its own, beside a service of the site that is not this machine's. */
export interface AgentTask {
  folder: string;
  /** Of the service of the site. */
  socket: string;
}

async function serve({ folder, socket }: AgentTask): Promise<void> {
  const { port } = await startAgent({
    ...{ port: 0, listen: '127.0.0.1', siteId: null, storeFolder: null, siteSocket: socket },
    coordinator: loadConfig().config.coordinator,
    ...{ loadConfig, paths: APPLIANCE_PATHS, orderPaths: ORDER_PATHS, run, now: () => new Date() },
    ...{ watchedFolder: folder, consoleFile: join(folder, 'console') },
    restart: () => process.exit(1),
    log: getLogger('bench'),
    serviceManager: createServiceManager(process.env, run, () => {}),
  });
  process.stdout.write(`${JSON.stringify({ port })}\n`);
}

const text = process.env['PAGES_TASK'];
if (text !== undefined) await serve(JSON.parse(text) as AgentTask);

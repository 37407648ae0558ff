import { join } from 'node:path';
import type { OrderPaths } from '../order-paths.ts';

/** The files of the orders below a temporary folder. */
export function orderPathsBelow(root: string): OrderPaths {
  return {
    updateRequest: join(root, 'run/bulkhead-agent/update-request.json'),
    takenRequest: join(root, 'data/update/request.json'),
    powerRequest: join(root, 'run/bulkhead-agent/power-request.json'),
    powerAnswer: join(root, 'run/bulkhead/power-answer.json'),
    clockSynchronised: join(root, 'run/systemd/timesync/synchronized'),
  };
}

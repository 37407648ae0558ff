import { createServer } from 'node:net';
import { BulkheadError } from '../../../base/errors.ts';

/**
 * Gives every forward a port of this computer: the wanted one, or a free one for 0.
 *
 * @throws BulkheadError MACHINE_PORT_IN_USE when a wanted one is taken
 */
export async function chooseForwards(
  wanted: Readonly<Record<number, number>>,
): Promise<Readonly<Record<number, number>>> {
  const chosen: Record<number, number> = {};
  for (const [guest, host] of Object.entries(wanted)) {
    const port = await freePort(host);
    if (port === undefined) {
      throw new BulkheadError('MACHINE_PORT_IN_USE', `port ${host} of this computer is in use`, {
        hint: 'stop what listens there, or choose another port',
      });
    }
    chosen[Number(guest)] = port;
  }
  return chosen;
}

/** The port if it can be listened on, any free one for 0; undefined when it is taken. */
export function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const found = typeof address === 'object' && address ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}

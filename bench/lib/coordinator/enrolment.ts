import { openDatabase } from '../../../coordinator/database/open.ts';
import { addEnrolmentCode } from '../../../coordinator/devices/operate.ts';
import { deviceSigner, enrolmentFacts, keyOf, machineOf } from '../../../coordinator/simulate/identity.ts';
import { signRequest } from '../../../protocol/http-signature/sign.ts';
import { FLEET_VERSION } from '../../../test/coordinator/fill-fleet.ts';
import { coordinatorOn } from '../../../test/coordinator/parts.ts';
import { measureLoad } from './figures.ts';
import { CONNECTIONS } from './limits.ts';
import { requestBytes } from './load.ts';
import type { LoadFigures } from './results.ts';
import { startCoordinatorProcess } from './server.ts';

/** New appliances that bring a prepared code: each becomes a record, a key, a presence and two entries of the audit log. */
export async function measureEnrolment(data: string, count: number): Promise<LoadFigures> {
  const opened = await openDatabase({ data });
  const coordinator = await coordinatorOn(opened);
  const wanted = { note: 'bench', uses_max: count, expires_ms: Date.now() + 3_600_000, tags: {} };
  const { code } = await addEnrolmentCode(coordinator, 'user:bench', wanted);
  await opened.database.destroy();
  const server = await startCoordinatorProcess(data);
  try {
    const url = new URL(`http://127.0.0.1:${server.port}/agent/enrol`);
    const created_s = Math.floor(Date.now() / 1000);
    const requests = Array.from({ length: count }, (_, index) => {
      const { key_id, public_key } = keyOf('new', index);
      const facts = enrolmentFacts(machineOf('new', index), { version: FLEET_VERSION, hardware: 'hp-t640' });
      const body = new TextEncoder().encode(JSON.stringify({ public_key, facts, provision_code: code }));
      const signer = deviceSigner('new', index, key_id);
      const fields = signRequest({ method: 'POST', url, body }, signer, { sequence: 1, created_s });
      return requestBytes({ port: server.port, path: url.pathname }, fields, body);
    });
    let at = 0;
    return await measureLoad(server, CONNECTIONS, () => requests[at++]);
  } finally {
    await server.stop();
  }
}

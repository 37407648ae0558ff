import { openDatabase } from '../../../coordinator/database/open.ts';
import { unitOfWork } from '../../../coordinator/database/unit-of-work.ts';
import { sessionSecret } from '../../../coordinator/server-keys.ts';
import { fillFleet } from '../../../test/coordinator/fill-fleet.ts';
import { measureLoad } from './figures.ts';
import { CONNECTIONS, type Effort, ROUNDS_MAX, SENDERS_MAX } from './limits.ts';
import { measureLook } from './look.ts';
import { measurePages } from './pages.ts';
import { measurePlanning } from './planning.ts';
import type { SizeResult } from './results.ts';
import { makeSenders } from './senders.ts';
import { startCoordinatorProcess } from './server.ts';

const SEED = 'bench';
/** Heartbeats one after the other: enough for a 99th per cent. */
const ALONE = 200;

/**
 * Everything that depends on the size of a fleet: heartbeats, pages, memory, planning.
 *
 * @param place folder of the coordinator, and the address of an empty PostgreSQL instead of SQLite
 * @param rollouts whether planning is measured, too
 */
export async function measureSize(
  appliances: number,
  effort: Effort,
  place: { data: string; url?: string },
  rollouts: boolean,
  say: (text: string) => void,
): Promise<SizeResult> {
  say(`${appliances} appliances: filling the database`);
  const opened = await openDatabase(place);
  await fillFleet(opened.database, { seed: SEED, first: 0, count: appliances, now_ms: Date.now() });
  const secret = await sessionSecret(unitOfWork(opened), Date.now());
  const look = rollouts ? await measureLook(opened) : null;
  await opened.snapshots.destroy();
  await opened.database.destroy();
  const server = await startCoordinatorProcess(place.data, place.url);
  try {
    const memory_start_bytes = server.memory_bytes();
    say(`${appliances} appliances: everyone is heard once`);
    // In parts: the requests of a hundred thousand would fill the memory.
    for (let first = 0; first < appliances; first += SENDERS_MAX) {
      const part = makeSenders(SEED, Math.min(SENDERS_MAX, appliances - first), secret, first);
      await measureLoad(server, CONNECTIONS, part.heartbeats(server.port, 1, false));
    }
    const memory_heard_bytes = server.memory_bytes();
    const senders = makeSenders(SEED, Math.min(SENDERS_MAX, appliances), secret);
    say(`${appliances} appliances: heartbeats`);
    const measured = async (sessions: boolean, rounds: number) => {
      const next = senders.heartbeats(server.port, rounds, sessions);
      return await measureLoad(server, CONNECTIONS, next, effort.load_ms);
    };
    const rounds = Math.min(ROUNDS_MAX / 2, Math.ceil((effort.load_ms * 10) / senders.count));
    const device = await measured(false, rounds);
    const session = await measured(true, rounds);
    const alone = await measureLoad(server, 1, atMost(ALONE, senders.heartbeats(server.port, 1, false)));
    say(`${appliances} appliances: pages`);
    const pages = await measurePages(server, effort.page_samples);
    return {
      ...{ appliances, senders: senders.count, device, session, alone, pages },
      ...{ memory_start_bytes, memory_heard_bytes, look },
      planning: rollouts ? measurePlanning(appliances) : null,
    };
  } finally {
    await server.stop();
  }
}

function atMost(count: number, next: () => Uint8Array | undefined) {
  let left = count;
  return () => {
    left -= 1;
    return left < 0 ? undefined : next();
  };
}

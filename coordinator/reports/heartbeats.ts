import { BulkheadError, describeError } from '../../base/errors.ts';
import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import type { Heartbeat } from '../../protocol/messages/reports.ts';
import type { Coordinator } from '../context.ts';
import { type ColumnKinds, rowSource, textList } from '../database/json-rows.ts';
import type { Backend } from '../database/make-tables.ts';
import type { PresenceRow, Work } from '../database/tables.ts';
import { BATCH_MAX, BATCH_QUEUE_MAX } from '../limits.ts';
import { handOut } from '../orders/hand-out.ts';
import { type Claim, keyRevoked, Replayed } from './claim.ts';
import { TooMany } from './rate-limit.ts';
import { recordSteps } from './update-steps.ts';

/** What a heartbeat that is on the disk is answered. */
export interface HeartbeatTaken {
  orders: EnvelopeJson[];
  /** Digest of the fingerprint that is known here; null: none. */
  known_digest: string | null;
}

export interface HeartbeatQueue {
  /**
   * Resolves when the heartbeat is durable.
   *
   * @throws BulkheadError AGENT_REPLAY, AGENT_KEY_REVOKED, DEVICE_PENDING, TOO_MANY_REQUESTS
   */
  take(claim: Claim, heartbeat: Heartbeat): Promise<HeartbeatTaken>;
  /** Resolves when nothing waits any more. */
  drain(): Promise<void>;
}

interface Waiting {
  claim: Claim;
  heartbeat: Heartbeat;
  resolve(taken: HeartbeatTaken): void;
  reject(error: unknown): void;
}

/**
 * Heartbeats that come while others are being written wait, and are then written together: one flush to the disk for all of
 * them. Alone, one is written at once.
 */
export function createHeartbeatQueue(coordinator: Coordinator): HeartbeatQueue {
  let waiting: Waiting[] = [];
  let writer: Promise<void> | undefined;
  const write = async () => {
    // What arrived in this turn of the event loop belongs to the first batch, too.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const { batch, rest } = nextBatch(waiting);
      waiting = rest;
      await writeBatch(coordinator, batch);
    }
    writer = undefined;
  };
  return {
    take(claim, heartbeat) {
      if (waiting.length >= BATCH_QUEUE_MAX)
        return Promise.reject(
          new TooMany('more heartbeats are waiting than can be written', 5 + Math.random() * 20),
        );
      return new Promise((resolve, reject) => {
        waiting.push({ claim, heartbeat, resolve, reject });
        writer ??= write();
      });
    },
    async drain() {
      await writer;
    },
  };
}

/** At most BATCH_MAX, and of each device one: a statement can touch a row only once. */
function nextBatch(waiting: readonly Waiting[]): { batch: Waiting[]; rest: Waiting[] } {
  const devices = new Set<string>();
  const batch: Waiting[] = [];
  const rest: Waiting[] = [];
  for (const one of waiting) {
    if (batch.length < BATCH_MAX && !devices.has(one.claim.device_id)) {
      devices.add(one.claim.device_id);
      batch.push(one);
    } else rest.push(one);
  }
  // In one order everywhere, so that two coordinators never wait for each other's rows.
  return { batch: batch.sort((a, b) => (a.claim.device_id < b.claim.device_id ? -1 : 1)), rest };
}

async function writeBatch(coordinator: Coordinator, batch: readonly Waiting[]): Promise<void> {
  const started_ms = performance.now();
  try {
    const outcomes = await coordinator.doWork((work) => takeBatch(coordinator, work, batch));
    coordinator.metrics.batch(batch.length, (performance.now() - started_ms) / 1000);
    batch.forEach((one, index) => {
      const outcome = outcomes[index];
      if (outcome instanceof Error || outcome === undefined) one.reject(outcome);
      else one.resolve(outcome);
    });
  } catch (error) {
    coordinator.log.error('heartbeats could not be written', {
      count: batch.length,
      error: describeError(error),
    });
    for (const one of batch) one.reject(error);
  }
}

/** What becomes of each of a batch, in its order; one that is refused does not hold up the others. */
async function takeBatch(
  coordinator: Coordinator,
  work: Work,
  batch: readonly Waiting[],
): Promise<(HeartbeatTaken | Error)[]> {
  const now_ms = coordinator.now_ms();
  const { backend, settings } = coordinator;
  const known = await readKnown(work, backend, batch);
  const good = batch.filter(({ claim }) => {
    const device = known.get(claim.key_id);
    return device?.state === 'active' && device.sequence !== null;
  });
  const rows = good.map((one) => presenceRow(one, settings.heartbeat_interval_s, now_ms));
  const taken = new Set(rows.length === 0 ? [] : await writePresences(work, backend, rows));
  const asking = good.map(({ claim }) => claim).filter(({ device_id }) => taken.has(device_id));
  const told = new Map(rows.map((row) => [row.device_id, row]));
  await recordSteps(
    coordinator,
    work,
    asking.flatMap(({ device_id, key_id }) => {
      const [before, now] = [known.get(key_id), told.get(device_id)];
      return before && now ? { before, now } : [];
    }),
  );
  const orders = await handOut(coordinator, work, asking);
  return batch.map(({ claim }) => {
    const device = known.get(claim.key_id);
    if (device?.state !== 'active') return keyRevoked();
    if (device.sequence === null)
      return new BulkheadError('DEVICE_PENDING', 'this appliance has not been approved yet');
    if (!taken.has(claim.device_id)) return new Replayed(device.sequence);
    return { orders: orders.get(claim.device_id) ?? [], known_digest: device.digest };
  });
}

/** What is on record of the devices of a batch, by key. */
async function readKnown(work: Work, backend: Backend, batch: readonly Waiting[]) {
  const keys = batch.map(({ claim }) => claim.key_id);
  const rows = await work
    .selectFrom('device_keys as key')
    .leftJoin('device_presence as presence', 'presence.device_id', 'key.device_id')
    .leftJoin('device_states as told', 'told.device_id', 'key.device_id')
    .select(['key.key_id', 'key.state', 'told.digest'])
    .select(['presence.sequence', 'presence.update_version', 'presence.update_state'])
    .where('key.key_id', 'in', textList(backend, keys))
    .execute();
  return new Map(rows.map((row) => [row.key_id, row]));
}

function presenceRow({ claim, heartbeat }: Waiting, interval_s: number, heard_ms: number): PresenceRow {
  const { agent_version, uptime_s, state_digest, update, waiting } = heartbeat;
  return {
    ...{ device_id: claim.device_id, sequence: claim.sequence, heard_ms, interval_s },
    ...{ agent_version, uptime_s, state_digest },
    ...{ update_version: update?.version ?? null, update_state: update?.state ?? null },
    waiting_records: waiting?.records ?? null,
  };
}

const PRESENCE_COLUMNS: ColumnKinds<PresenceRow> = {
  ...{ device_id: 'text', sequence: 'number', heard_ms: 'number', interval_s: 'number' },
  ...{ agent_version: 'text', uptime_s: 'number', state_digest: 'text', update_version: 'text' },
  ...{ update_state: 'text', waiting_records: 'number' },
};

/** @returns ids of the devices whose sequence was above the one before */
async function writePresences(work: Work, backend: Backend, rows: readonly PresenceRow[]): Promise<string[]> {
  const columns = Object.keys(PRESENCE_COLUMNS) as (keyof PresenceRow)[];
  const written = await work
    .insertInto('device_presence')
    .columns(columns)
    .expression(rowSource(backend, PRESENCE_COLUMNS, rows))
    .onConflict((conflict) =>
      conflict
        .column('device_id')
        .doUpdateSet((set) =>
          Object.fromEntries(
            columns
              .filter((column) => column !== 'device_id')
              .map((column) => [column, set.ref(`excluded.${column}`)]),
          ),
        )
        .whereRef('excluded.sequence', '>', 'device_presence.sequence'),
    )
    .returning('device_id')
    .execute();
  return written.map(({ device_id }) => device_id);
}

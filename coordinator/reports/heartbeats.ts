import { BulkheadError, describeError } from '../../base/errors.ts';
import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import type { Heartbeat } from '../../protocol/messages/reports.ts';
import type { Coordinator } from '../context.ts';
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
  const ids = batch.map(({ claim }) => claim.device_id);
  const active = await activeKeys(work, batch);
  const before = new Map(
    (
      await work
        .selectFrom('device_presence')
        .select(['device_id', 'sequence', 'update_version', 'update_state'])
        .where('device_id', 'in', ids)
        .execute()
    ).map((row) => [row.device_id, row]),
  );
  const good = batch.filter(({ claim }) => active.has(claim.key_id) && before.has(claim.device_id));
  const rows = good.map((one) => presenceRow(one, coordinator.settings.heartbeat_interval_s, now_ms));
  const taken = new Set(rows.length === 0 ? [] : await writePresences(work, rows));
  await recordSteps(
    coordinator,
    work,
    rows
      .filter(({ device_id }) => taken.has(device_id))
      .map((now) => ({ before: before.get(now.device_id), now })),
  );
  const known = await knownDigests(work, [...taken]);
  const orders = await handOut(
    coordinator,
    work,
    good.filter(({ claim }) => taken.has(claim.device_id)).map(({ claim }) => claim),
  );
  return batch.map(({ claim }) => {
    if (!active.has(claim.key_id)) return keyRevoked();
    const last = before.get(claim.device_id)?.sequence;
    if (last === undefined)
      return new BulkheadError('DEVICE_PENDING', 'this appliance has not been approved yet');
    if (!taken.has(claim.device_id)) return new Replayed(last);
    return { orders: orders.get(claim.device_id) ?? [], known_digest: known.get(claim.device_id) ?? null };
  });
}

async function activeKeys(work: Work, batch: readonly Waiting[]): Promise<Set<string>> {
  const keys = batch.map(({ claim }) => claim.key_id);
  const rows = await work
    .selectFrom('device_keys')
    .select('key_id')
    .where('key_id', 'in', keys)
    .where('state', '=', 'active')
    .execute();
  return new Set(rows.map(({ key_id }) => key_id));
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

/** @returns ids of the devices whose sequence was above the one before */
async function writePresences(work: Work, rows: readonly PresenceRow[]): Promise<string[]> {
  const written = await work
    .insertInto('device_presence')
    .values([...rows])
    .onConflict((conflict) =>
      conflict
        .column('device_id')
        .doUpdateSet((set) => ({
          sequence: set.ref('excluded.sequence'),
          heard_ms: set.ref('excluded.heard_ms'),
          interval_s: set.ref('excluded.interval_s'),
          agent_version: set.ref('excluded.agent_version'),
          uptime_s: set.ref('excluded.uptime_s'),
          state_digest: set.ref('excluded.state_digest'),
          update_version: set.ref('excluded.update_version'),
          update_state: set.ref('excluded.update_state'),
          waiting_records: set.ref('excluded.waiting_records'),
        }))
        .whereRef('excluded.sequence', '>', 'device_presence.sequence'),
    )
    .returning('device_id')
    .execute();
  return written.map(({ device_id }) => device_id);
}

async function knownDigests(work: Work, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await work
    .selectFrom('device_states')
    .select(['device_id', 'digest'])
    .where('device_id', 'in', ids)
    .execute();
  return new Map(rows.map(({ device_id, digest }) => [device_id, digest]));
}

import { getLogger } from '@logtape/logtape';
import { localStore } from '../../coordinator/artifacts/store.ts';
import { type Coordinator, newId } from '../../coordinator/context.ts';
import type { OpenDatabase } from '../../coordinator/database/open.ts';
import { unitOfWork } from '../../coordinator/database/unit-of-work.ts';
import { createLiveHub } from '../../coordinator/live/hub.ts';
import { createTurnstile } from '../../coordinator/people/turnstile.ts';
import { createMetrics } from '../../coordinator/server/metrics.ts';
import { orderKey } from '../../coordinator/server-keys.ts';

/** The parts of a coordinator on a database, without a port: for what has to be looked at closer than requests allow. */
export async function coordinatorOn(
  { database, snapshots, backend }: Omit<OpenDatabase, 'place'>,
  changed: Partial<Coordinator> = {},
): Promise<Coordinator> {
  const doWork = unitOfWork({ database, backend });
  return {
    ...{ database, snapshots, backend, doWork, now_ms: Date.now, metrics: createMetrics() },
    settings: {
      ...{ heartbeat_interval_s: 60, agent_min_version: null },
      ...{ authorities: new Set(), trusted_proxies: new Set() },
    },
    random: (size_bytes) => crypto.getRandomValues(new Uint8Array(size_bytes)),
    log: getLogger(['parts']),
    signIns: createTurnstile('too many sign-ins', 1),
    orderKey: await orderKey(doWork, Date.now()),
    // Nobody puts a file there.
    artifacts: localStore('/nowhere'),
    live: createLiveHub({ database, now_ms: Date.now, log: getLogger(['parts']) }),
    ...changed,
  };
}

/** A release and a rollout of it to everyone, in a database that has neither. @returns id of the rollout */
export async function addRollout(
  { database, now_ms }: Pick<Coordinator, 'database' | 'now_ms'>,
  request: Record<string, unknown> = {},
): Promise<string> {
  const [id, release_id] = [newId({ now_ms }), newId({ now_ms })];
  const [version, sha256] = ['1.1.0', 'a'.repeat(64)];
  const made = { created_ms: now_ms(), created_by: 'test' };
  await database
    .insertInto('releases')
    .values({
      ...{ id: release_id, version, channel: 'stable', notes: '', floors: '[]', bundle_sha256: sha256 },
      ...{ manifest_sha256: sha256, root_hash: sha256, compatible: '["hp-t640"]', replaces_min: null },
      ...{ expires: null, built_at: '', signed_by: '[]', sbom_sha256: null, provenance_sha256: null },
      ...{ ...made, withdrawn_ms: null, withdrawn_by: null, withdrawn_reason: null },
    })
    .execute();
  await database
    .insertInto('release_files')
    .values({ release_id, suffix: '', sha256, size_bytes: 1, base_version: null })
    .execute();
  const stages = [{ percent: 5 }, { percent: 100 }];
  const definition = { version, channel: 'stable', compatible: ['hp-t640'], cohort: 'all', stages };
  await database
    .insertInto('rollouts')
    .values({
      ...{ id, name: version, version, channel: 'stable', origin: 'operator' },
      request: JSON.stringify({ ...definition, ...request }),
      ...{ wish: 'running', brake_releases: 0, retries: 0, revision: 0, phase: 'draft' },
      ...{ plan_id: null, plan_number: 0, settled: 0, ...made },
    })
    .execute();
  return id;
}

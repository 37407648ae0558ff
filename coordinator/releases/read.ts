import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import { lockForAll } from '../database/lock.ts';
import type { ReleaseFileRow, ReleaseRow } from '../database/release-tables.ts';
import type { Database, Work } from '../database/tables.ts';
import { PAGE_MAX } from '../limits.ts';
import { cancelRolloutsOf } from '../rollouts/run/operate.ts';
import { readReport } from '../vulnerabilities/keep.ts';

/** A release as people see it. */
export interface ReleaseView extends Omit<ReleaseRow, 'floors' | 'compatible' | 'signed_by'> {
  floors: string[];
  compatible: string[];
  signed_by: string[];
}

export function viewRelease({ floors, compatible, signed_by, ...row }: ReleaseRow): ReleaseView {
  const list = (text: string) => JSON.parse(text) as string[];
  return { ...row, floors: list(floors), compatible: list(compatible), signed_by: list(signed_by) };
}

/** What a release costs the appliances that run one version. */
export interface FieldCost {
  /** Null: they have not said what they run. */
  version: string | null;
  devices: number;
  /** Of the delta; null: there is none. */
  delta_bytes: number | null;
}

/** Newest first. */
export async function listReleases(
  { database }: Coordinator,
  { channel, limit = PAGE_MAX }: { channel?: string | undefined; limit?: number | undefined },
): Promise<ReleaseView[]> {
  let rows = database.selectFrom('releases').selectAll().orderBy('id', 'desc').limit(limit);
  if (channel !== undefined) rows = rows.where('channel', '=', channel);
  return (await rows.execute()).map(viewRelease);
}

/** @throws BulkheadError RELEASE_UNKNOWN */
export async function findRelease(database: Database | Work, id: string): Promise<ReleaseRow> {
  const release = await database.selectFrom('releases').selectAll().where('id', '=', id).executeTakeFirst();
  if (!release) throw new BulkheadError('RELEASE_UNKNOWN', `there is no release ${id}`);
  return release;
}

/** @throws BulkheadError RELEASE_UNKNOWN */
export async function readRelease({ database }: Coordinator, id: string) {
  const release = viewRelease(await findRelease(database, id));
  const files = await database
    .selectFrom('release_files')
    .select(['suffix', 'sha256', 'size_bytes', 'base_version'])
    .where('release_id', '=', id)
    .orderBy('suffix')
    .execute();
  const deltas = new Map(files.map((file) => [file.base_version, file.size_bytes]));
  const field = (await countVersions(database)).map(
    ({ version, devices }): FieldCost => ({
      ...{ version, devices },
      delta_bytes: version === null ? null : (deltas.get(version) ?? null),
    }),
  );
  return { ...release, files, field, vulnerabilities: await readReport(database, id) };
}

/** How many of the fleet run which version, by their own word. */
export async function countVersions(
  database: Database,
): Promise<{ version: string | null; devices: number }[]> {
  const rows = await database
    .selectFrom('devices')
    .select((select) => ['image_version as version', select.fn.countAll<number>().as('devices')])
    .where('state', '=', 'approved')
    .groupBy('image_version')
    .orderBy('image_version')
    .execute();
  return rows.map(({ version, devices }) => ({ version, devices: Number(devices) }));
}

/**
 * The file that a URL of the store means: the digest of a release's bundle, and what stands behind it there.
 *
 * @param name `SHA256`, `SHA256.blocks`, `SHA256.from-ROOT`
 * @throws BulkheadError ARTIFACT_UNKNOWN, also for a release that was withdrawn
 */
export async function findReleaseFile({ database }: Coordinator, name: string): Promise<ReleaseFileRow> {
  const [, bundle_sha256 = '', suffix = ''] = /^([0-9a-f]{64})(\..{1,40})?$/.exec(name) ?? [];
  const file = await database
    .selectFrom('release_files')
    .innerJoin('releases', 'releases.id', 'release_files.release_id')
    .selectAll('release_files')
    .where('releases.bundle_sha256', '=', bundle_sha256)
    .where('releases.withdrawn_ms', 'is', null)
    .where('release_files.suffix', '=', suffix)
    .executeTakeFirst();
  if (!file) throw new BulkheadError('ARTIFACT_UNKNOWN', 'no release has such a file');
  return file;
}

/**
 * Takes a release back: nobody is brought to it any more, rollouts that would are cancelled, and its files are not handed out.
 *
 * @throws BulkheadError RELEASE_UNKNOWN, RELEASE_WITHDRAWN
 */
export async function withdrawRelease(
  coordinator: Coordinator,
  actor: string,
  id: string,
  reason: string,
): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const { version } = await findRelease(work, id);
    const { numUpdatedRows } = await work
      .updateTable('releases')
      .set({ withdrawn_ms: now_ms, withdrawn_by: actor, withdrawn_reason: reason })
      .where('id', '=', id)
      .where('withdrawn_ms', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n)
      throw new BulkheadError('RELEASE_WITHDRAWN', `release ${version} has been withdrawn before`);
    await cancelRolloutsOf(coordinator, work, actor, version);
    const details = { version, reason };
    await recordDeed(work, now_ms, {
      ...{ actor, action: 'release.withdraw', subject: `release:${id}`, details },
    });
  });
}

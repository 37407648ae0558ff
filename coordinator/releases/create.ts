import { BulkheadError } from '../../base/errors.ts';
import type { OpenBundle } from '../../updater/bundle/open-bundle.ts';
import { deltaSuffix } from '../../updater/install/release-place.ts';
import { findArtifact } from '../artifacts/upload.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { ArtifactRow, ReleaseFileRow, ReleaseRow } from '../database/release-tables.ts';
import type { Work } from '../database/tables.ts';
import { compareVersions, isVersion } from '../rollouts/version.ts';
import { releaseKeys } from './keys.ts';
import { openTrusted } from './open-artifact.ts';
import { findRelease } from './read.ts';

export interface NewRelease {
  /** SHA-256 of the full bundle's file. */
  bundle_sha256: string;
  channel: string;
  notes: string;
  /** Versions that must not be skipped on the way to this one. */
  floors: readonly string[];
}

/**
 * Makes a release of a bundle that was uploaded. Everything about it is read from what was signed.
 *
 * @throws BulkheadError ARTIFACT_UNKNOWN, RELEASE_NOT_FULL, RELEASE_FLOOR, RELEASE_EXISTS, RELEASE_BUNDLE_REFUSED
 */
export async function createRelease(
  coordinator: Coordinator,
  actor: string,
  wanted: NewRelease,
): Promise<ReleaseRow> {
  const { artifact, bundle } = await openUploaded(coordinator, wanted.bundle_sha256);
  const { manifest } = bundle;
  if (manifest.kind !== 'full')
    throw new BulkheadError('RELEASE_NOT_FULL', 'a release is made from a full bundle, and this is a delta', {
      hint: 'make the release first, and add the delta to it',
    });
  requireFloors(manifest.version, wanted.floors);
  const now_ms = coordinator.now_ms();
  const digestOf = (name: string) =>
    manifest.sections.find((section) => section.name === name)?.sha256 ?? null;
  const release: ReleaseRow = {
    ...{ id: newId(coordinator), version: manifest.version, channel: wanted.channel, notes: wanted.notes },
    ...{ floors: JSON.stringify(wanted.floors), bundle_sha256: artifact.sha256 },
    ...{ manifest_sha256: bundle.digest, root_hash: manifest.slot.root_hash },
    ...{ compatible: JSON.stringify(manifest.compatible), signed_by: JSON.stringify(bundle.signed_by) },
    ...{ replaces_min: manifest.replaces_min ?? null, expires: manifest.expires ?? null },
    ...{ built_at: manifest.built_at, sbom_sha256: digestOf('sbom') },
    ...{ provenance_sha256: digestOf('provenance'), created_ms: now_ms, created_by: actor },
    ...{ withdrawn_ms: null, withdrawn_by: null, withdrawn_reason: null },
  };
  await coordinator.doWork(async (work) => {
    const { numInsertedOrUpdatedRows } = await work
      .insertInto('releases')
      .values(release)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows === 0n)
      throw new BulkheadError('RELEASE_EXISTS', `there is a release ${release.version} already`, {
        hint: 'a version is one release for ever; build a new one with a higher version',
      });
    await addFile(work, artifact, { release_id: release.id, suffix: '', base_version: null }, now_ms);
    const details = { version: release.version, channel: release.channel, bundle_sha256: artifact.sha256 };
    await recordDeed(work, now_ms, {
      ...{ actor, action: 'release.create', subject: `release:${release.id}`, details },
    });
  });
  return release;
}

/**
 * Lays a delta or the blocks beside a release. A file of the same kind that was there before is replaced.
 *
 * @throws BulkheadError RELEASE_UNKNOWN, RELEASE_FILE_MISMATCH, ARTIFACT_UNKNOWN, RELEASE_BUNDLE_REFUSED
 */
export async function addReleaseFile(
  coordinator: Coordinator,
  actor: string,
  id: string,
  sha256: string,
): Promise<ReleaseFileRow> {
  const release = await findRelease(coordinator.database, id);
  const artifact = await requireArtifact(coordinator, sha256);
  const place =
    artifact.kind === 'blocks'
      ? { suffix: '.blocks', base_version: null }
      : deltaPlace(release, (await openUploaded(coordinator, sha256)).bundle);
  const now_ms = coordinator.now_ms();
  return await coordinator.doWork(async (work) => {
    const file = await addFile(work, artifact, { release_id: id, ...place }, now_ms);
    const details = { suffix: file.suffix, sha256, size_bytes: file.size_bytes };
    await recordDeed(work, now_ms, {
      ...{ actor, action: 'release.add_file', subject: `release:${id}`, details },
    });
    return file;
  });
}

function deltaPlace(
  release: ReleaseRow,
  { manifest }: OpenBundle,
): Pick<ReleaseFileRow, 'suffix' | 'base_version'> {
  const { base, slot, version } = manifest;
  if (!base || slot.root_hash !== release.root_hash || version !== release.version)
    throw new BulkheadError(
      'RELEASE_FILE_MISMATCH',
      `the bundle is no delta to release ${release.version}, but ${base ? 'one' : 'a full bundle'} of ${version}`,
    );
  return { suffix: deltaSuffix(base.root_hash), base_version: base.version };
}

async function openUploaded(
  coordinator: Coordinator,
  sha256: string,
): Promise<{ artifact: ArtifactRow; bundle: OpenBundle }> {
  const artifact = await requireArtifact(coordinator, sha256);
  const trusted = await releaseKeys(coordinator.database);
  const source = coordinator.artifacts.open(sha256);
  try {
    return { artifact, bundle: await openTrusted(source, trusted, new Date(coordinator.now_ms())) };
  } finally {
    await source.close();
  }
}

async function requireArtifact(coordinator: Coordinator, sha256: string): Promise<ArtifactRow> {
  return (await findArtifact(coordinator, sha256)) ?? artifactUnknown(sha256);
}

function artifactUnknown(sha256: string): never {
  throw new BulkheadError('ARTIFACT_UNKNOWN', `no file with the digest ${sha256} has been uploaded`, {
    hint: "'bulkhead-coordinator release upload' sends it first",
  });
}

/** The record of the file is written anew, so that it is not collected in the same moment. */
async function addFile(
  work: Work,
  { sha256, size_bytes }: ArtifactRow,
  place: Pick<ReleaseFileRow, 'release_id' | 'suffix' | 'base_version'>,
  now_ms: number,
): Promise<ReleaseFileRow> {
  const { numUpdatedRows } = await work
    .updateTable('artifacts')
    .set({ created_ms: now_ms })
    .where('sha256', '=', sha256)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) artifactUnknown(sha256);
  const file = { ...place, sha256, size_bytes };
  await work
    .insertInto('release_files')
    .values(file)
    .onConflict((conflict) => conflict.columns(['release_id', 'suffix']).doUpdateSet(file))
    .execute();
  return file;
}

function requireFloors(version: string, floors: readonly string[]): void {
  const wrong = floors.find(
    (floor) => !isVersion(floor) || !isVersion(version) || compareVersions(floor, version) >= 0,
  );
  if (wrong === undefined) return;
  throw new BulkheadError('RELEASE_FLOOR', `${wrong} is no version before ${version}`, {
    hint: 'floors are the releases that an older appliance has to pass through',
  });
}

import { BulkheadError } from '../../base/errors.ts';
import { envelopeToJson } from '../../base/signing/dsse.ts';
import { parseKeysetFile } from '../../updater/signing/keyset-file.ts';
import { acceptKeysets, anchorTrust, type TrustedKeys } from '../../updater/signing/trust.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import { lockForAll } from '../database/lock.ts';
import type { Database, Work } from '../database/tables.ts';

/**
 * Whose releases are taken, as an administrator configured it: the same file of key sets that images carry. What a bundle brings along
 * is never asked.
 *
 * @throws BulkheadError RELEASE_KEYS_MISSING
 */
export async function releaseKeys(database: Database): Promise<TrustedKeys> {
  const keys = await findKeys(database);
  if (keys) return keys;
  throw new BulkheadError('RELEASE_KEYS_MISSING', 'nobody has said yet whose releases are to be taken', {
    hint: "an administrator: 'bulkhead-coordinator release keys set keyset.json', or serve --release-keys",
  });
}

/** Undefined: nobody has configured any. */
export async function findKeys(database: Database | Work): Promise<TrustedKeys | undefined> {
  const row = await database
    .selectFrom('release_keysets')
    .select('chain')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && trustChain(new TextEncoder().encode(row.chain));
}

/**
 * Takes key sets from an administrator. The first ones are believed because he says so; later ones have to follow from them, so that
 * a session that was stolen does not change whom the fleet's operators trust.
 *
 * @param file JSON array of envelopes, oldest first
 * @returns whether anything is different now
 * @throws BulkheadError KEYS_* and DSSE_* for what is wrong with the file; RELEASE_KEYS_REFUSED
 */
export async function setReleaseKeys(
  coordinator: Pick<Coordinator, 'doWork' | 'now_ms'>,
  actor: string,
  file: Uint8Array,
): Promise<{ trusted: TrustedKeys; changed: boolean }> {
  const brought = readKeys(file);
  const now_ms = coordinator.now_ms();
  return await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const before = await findKeys(work);
    const next = before ? follow(before, file) : { trusted: brought, changed: true };
    if (!next.changed) return next;
    const { keyset, chain } = next.trusted;
    await work
      .insertInto('release_keysets')
      .values({
        ...{ id: newId(coordinator), version: keyset.version, added_ms: now_ms, added_by: actor },
        chain: JSON.stringify(chain.map(envelopeToJson)),
      })
      .execute();
    const details = { version: keyset.version, keys: keyset.keys.map(({ id }) => id) };
    await recordDeed(work, now_ms, { actor, action: 'release_keys.set', subject: 'release_keys', details });
    return next;
  });
}

function readKeys(file: Uint8Array): TrustedKeys {
  try {
    return trustChain(file);
  } catch (cause) {
    throw refused('the key sets cannot be taken', cause);
  }
}

function follow(before: TrustedKeys, file: Uint8Array): { trusted: TrustedKeys; changed: boolean } {
  try {
    return acceptKeysets(before, parseKeysetFile(file));
  } catch (cause) {
    throw refused('these key sets do not follow those that are trusted', cause);
  }
}

function trustChain(file: Uint8Array): TrustedKeys {
  const [first, ...others] = parseKeysetFile(file);
  if (!first) throw new BulkheadError('KEYS_FILE_INVALID', 'there is no key set in it');
  return acceptKeysets(anchorTrust(first), others).trusted;
}

function refused(what: string, cause: unknown): BulkheadError {
  const why = cause instanceof BulkheadError ? `${cause.code}: ${cause.message}` : 'it is none';
  return new BulkheadError('RELEASE_KEYS_REFUSED', `${what}: ${why}`, {
    hint: 'a file as in the image, each set signed by the root keys of the one before; bulkhead bundle keyset --help',
    cause,
  });
}

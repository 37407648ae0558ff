import { readFileSync } from 'node:fs';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import type { KnownRecord, KnownRecords } from '../../protocol/evidence/chain-check.ts';
import { rawKey } from '../../protocol/evidence/endorsed-key.ts';
import { openStatement } from '../../protocol/evidence/statement.ts';
import { COUNTERSIGNATURE } from '../../protocol/evidence/statements.ts';
import { PublicKey } from '../../protocol/messages/parts.ts';

/** What `bulkhead-coordinator evidence checkpoints` gives: what an appliance cannot take back any more. */
const CheckpointFile = t.Object({
  device_key: PublicKey,
  coordinator_keys: t.Array(PublicKey, { minItems: 1 }),
  countersignatures: t.Array(t.Unknown()),
});

/**
 * The coordinator's word on an appliance, from a file that came from it.
 *
 * @throws BulkheadError EVIDENCE_CHECKPOINTS_INVALID
 */
export function readCheckpointFile(path: string): {
  device_key: Uint8Array;
  coordinator_keys: Uint8Array[];
  known: KnownRecords;
} {
  try {
    const file: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!Value.Check(CheckpointFile, file))
      throw new Error(`${Value.Errors(CheckpointFile, file).First()?.path}: is of another form`);
    const coordinator_keys = file.coordinator_keys.map(rawKey);
    const known = new Map<string, Map<number, KnownRecord>>();
    for (const envelope of file.countersignatures) {
      const { chain, seq, hash } = openStatement(COUNTERSIGNATURE, envelope, coordinator_keys);
      const record: KnownRecord = { hash, kind: 'checkpoint', says: 'the coordinator has countersigned' };
      known.set(chain, (known.get(chain) ?? new Map<number, KnownRecord>()).set(seq, record));
    }
    return { device_key: rawKey(file.device_key), coordinator_keys, known };
  } catch (cause) {
    throw new BulkheadError('EVIDENCE_CHECKPOINTS_INVALID', `${path} is no list of checkpoints`, {
      cause,
      hint: 'bulkhead-coordinator evidence checkpoints DEVICE > FILE makes one',
    });
  }
}

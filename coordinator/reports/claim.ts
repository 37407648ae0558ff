import { BulkheadError } from '../../base/errors.ts';
import type { Work } from '../database/tables.ts';

/** A request whose signature was right: whose it is, and which of his it is. */
export interface Claim {
  key_id: string;
  /** By a session key of that key, not by the key itself. */
  inSession: boolean;
  device_id: string;
  sequence: number;
}

/** What came before has been taken already. */
export class Replayed extends BulkheadError {
  readonly last_sequence: number;

  constructor(last_sequence: number) {
    super('AGENT_REPLAY', 'a request with this sequence, or a later one, has been taken before', {
      hint: 'last_sequence was the highest; go on above it',
    });
    this.last_sequence = last_sequence;
  }
}

export const keyRevoked = () =>
  new BulkheadError('AGENT_KEY_REVOKED', 'this key counts no more', {
    hint: 'the appliance was revoked, replaced, or has a newer key; enrol it anew',
  });

/**
 * Takes one request for good: the key still counts, and its sequence is above all before. With this in the transaction of what
 * the request does, each is done once, however often it arrives and at however many coordinators.
 *
 * @throws BulkheadError AGENT_KEY_REVOKED, AGENT_REPLAY
 */
export async function takeClaim(
  work: Work,
  { key_id, device_id, sequence }: Claim,
  heard_ms: number,
): Promise<void> {
  const taken = await work
    .updateTable('device_presence')
    .set({ sequence, heard_ms })
    .where('device_id', '=', device_id)
    .where('sequence', '<', sequence)
    .executeTakeFirst();
  const key = await work
    .selectFrom('device_keys')
    .select('state')
    .where('key_id', '=', key_id)
    .executeTakeFirst();
  if (key?.state !== 'active') throw keyRevoked();
  if (taken.numUpdatedRows > 0n) return;
  const presence = await work
    .selectFrom('device_presence')
    .select('sequence')
    .where('device_id', '=', device_id)
    .executeTakeFirst();
  if (!presence) throw new BulkheadError('DEVICE_PENDING', 'this appliance has not been approved yet');
  throw new Replayed(presence.sequence);
}

import type { Coordinator } from '../context.ts';
import { FAILURES_FORGOTTEN_MS, PENDING_FORGOTTEN_MS } from '../limits.ts';

/** Takes away what nobody can use any more: sessions and codes that are over, boxes that asked once and never came back. */
export async function forgetOver({ database, doWork, now_ms }: Coordinator): Promise<void> {
  const now = now_ms();
  await database.deleteFrom('sessions').where('expires_ms', '<=', now).execute();
  await database.deleteFrom('sign_in_codes').where('expires_ms', '<=', now).execute();
  await database
    .deleteFrom('sign_in_failures')
    .where('last_ms', '<=', now - FAILURES_FORGOTTEN_MS)
    .execute();
  await doWork(async (work) => {
    const gone = await work
      .deleteFrom('devices')
      .where('state', '=', 'pending')
      .where('code_expires_ms', '<=', now - PENDING_FORGOTTEN_MS)
      .returning('id')
      .execute();
    for (const { id } of gone) await work.deleteFrom('device_keys').where('device_id', '=', id).execute();
  });
}

import { BulkheadError } from '../../base/errors.ts';
import type { Coordinator } from '../context.ts';
import { addressSubject, afterFailure, lockedFor_ms, type SubjectKind } from './lockout.ts';

/** Who failed: the address always, the name where one was given. */
export type Subjects = { address: string; name?: string };

/** @throws BulkheadError SIGN_IN_LOCKED */
export async function requireUnlocked({ database, now_ms }: Coordinator, subjects: Subjects): Promise<void> {
  const keys = keysOf(subjects).map(([, subject]) => subject);
  const rows = await database
    .selectFrom('sign_in_failures')
    .selectAll()
    .where('subject', 'in', keys)
    .execute();
  const wait_ms = Math.max(0, ...rows.map((row) => lockedFor_ms(row, now_ms())));
  if (wait_ms === 0) return;
  throw new SignInLocked(Math.ceil(wait_ms / 1000));
}

/** Too many failures; carries how long to wait. */
export class SignInLocked extends BulkheadError {
  readonly retry_after_s: number;

  constructor(retry_after_s: number) {
    super('SIGN_IN_LOCKED', `too many sign-ins have failed; the next one is taken in ${retry_after_s} s`);
    this.retry_after_s = retry_after_s;
  }
}

/** In the database, so that several coordinators count together and a restart forgives nothing. */
export async function rememberFailure(coordinator: Coordinator, subjects: Subjects): Promise<void> {
  coordinator.metrics.signInFailed();
  coordinator.log.warn('a sign-in failed', subjects);
  await coordinator.doWork(async (work) => {
    for (const [kind, subject] of keysOf(subjects)) {
      const before = await work
        .selectFrom('sign_in_failures')
        .selectAll()
        .where('subject', '=', subject)
        .executeTakeFirst();
      const after = afterFailure(kind, before, coordinator.now_ms());
      await work
        .insertInto('sign_in_failures')
        .values({ subject, ...after })
        .onConflict((conflict) => conflict.column('subject').doUpdateSet(after))
        .execute();
    }
  });
}

function keysOf({ address, name }: Subjects): [SubjectKind, string][] {
  return [
    ['address', `address:${addressSubject(address)}`],
    ...(name === undefined ? [] : ([['name', `name:${name.slice(0, 100)}`]] as [SubjectKind, string][])),
  ];
}

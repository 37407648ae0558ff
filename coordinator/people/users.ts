import { BulkheadError } from '../../base/errors.ts';
import { formatCode } from '../../protocol/messages/enrolment.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import { lockForAll } from '../database/lock.ts';
import type { Role } from '../database/tables.ts';
import { FIRST_SIGN_IN_MS } from '../limits.ts';
import type { Principal } from './authorise.ts';
import { hashSecret } from './secrets.ts';

export interface User {
  id: string;
  name: string;
  role: Role;
  created_ms: number;
  disabled_ms: number | null;
}

/**
 * Somebody new, with a code to sign in once and choose a password.
 *
 * @throws BulkheadError USER_EXISTS
 */
export async function addUser(
  coordinator: Coordinator,
  principal: Principal,
  { name, role }: { name: string; role: Role },
): Promise<User & { code: string; expires_ms: number }> {
  const now_ms = coordinator.now_ms();
  const user = { id: newId(coordinator), name, role, created_ms: now_ms, disabled_ms: null };
  const code = formatCode(coordinator.random(10));
  const expires_ms = now_ms + FIRST_SIGN_IN_MS;
  await coordinator.doWork(async (work) => {
    const added = await work
      .insertInto('users')
      .values({ ...user, password_hash: null })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirst();
    if (added.numInsertedOrUpdatedRows === 0n)
      throw new BulkheadError('USER_EXISTS', `there is somebody named '${name}'`);
    await work
      .insertInto('sign_in_codes')
      .values({ code_hash: hashSecret(code), user_id: user.id, expires_ms })
      .execute();
    await recordDeed(work, now_ms, {
      ...{ actor: principal.actor, action: 'user.add', subject: `user:${name}`, details: { role } },
    });
  });
  return { ...user, code, expires_ms };
}

export async function listUsers({ database }: Coordinator): Promise<User[]> {
  return await database
    .selectFrom('users')
    .select(['id', 'name', 'role', 'created_ms', 'disabled_ms'])
    .orderBy('id')
    .execute();
}

/**
 * Another role, or an end: sessions and tokens of somebody who is disabled work no more.
 *
 * @throws BulkheadError USER_UNKNOWN, USER_LAST_ADMIN
 */
export async function changeUser(
  coordinator: Coordinator,
  principal: Principal,
  id: string,
  change: { role?: Role; disabled?: boolean },
): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    // Two administrators who end each other at the same time must not both succeed.
    await lockForAll(work);
    const before = await work.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
    if (!before) throw new BulkheadError('USER_UNKNOWN', `there is nobody with the id ${id}`);
    const role = change.role ?? before.role;
    const disabled = change.disabled ?? before.disabled_ms !== null;
    await work
      .updateTable('users')
      .set({ role, disabled_ms: disabled ? (before.disabled_ms ?? now_ms) : null })
      .where('id', '=', id)
      .execute();
    const admins = await work
      .selectFrom('users')
      .select('id')
      .where('role', '=', 'admin')
      .where('disabled_ms', 'is', null)
      .execute();
    if (admins.length === 0)
      throw new BulkheadError('USER_LAST_ADMIN', `'${before.name}' is the last administrator`, {
        hint: 'make somebody else an administrator first',
      });
    await recordDeed(work, now_ms, {
      ...{
        actor: principal.actor,
        action: 'user.change',
        subject: `user:${before.name}`,
        details: { role, disabled },
      },
    });
  });
}

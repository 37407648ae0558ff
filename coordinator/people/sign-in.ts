import { BulkheadError } from '../../base/errors.ts';
import { formatCode, readCode } from '../../protocol/messages/enrolment.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import { lockForAll } from '../database/lock.ts';
import type { Role, UserRow } from '../database/tables.ts';
import { FIRST_SIGN_IN_MS, PASSWORD_MAX, PASSWORD_MIN, SESSION_MS } from '../limits.ts';
import { rememberFailure, requireUnlocked, type Subjects } from './failures.ts';
import { formatSecret, hashSecret, SESSION_PREFIX } from './secrets.ts';

export interface Session {
  /** Goes into a cookie or an Authorization field; kept nowhere here. */
  token: string;
  user_id: string;
  name: string;
  role: Role;
  expires_ms: number;
}

export type Credentials = { code: string } | { name: string; password: string };

/** The name of the first administrator. */
const FIRST_NAME = 'admin';

/** Costs what a right password costs, so that time does not tell which names there are. */
let decoyHash: Promise<string> | undefined;

/**
 * A session for a name with its password, or for a code that signs in once.
 *
 * @param address where it came from, for the lock
 * @throws BulkheadError SIGN_IN_LOCKED, SIGN_IN_FAILED, TOO_MANY_REQUESTS
 */
export async function signIn(
  coordinator: Coordinator,
  credentials: Credentials,
  address: string,
): Promise<Session> {
  const subjects = { address, ...('name' in credentials ? { name: credentials.name } : {}) };
  const user = await coordinator.signIns(() => checkCredentials(coordinator, credentials, subjects));
  const token = formatSecret(SESSION_PREFIX, coordinator.random(32));
  const now_ms = coordinator.now_ms();
  const expires_ms = now_ms + SESSION_MS;
  await coordinator.doWork(async (work) => {
    await work.deleteFrom('sessions').where('expires_ms', '<=', now_ms).execute();
    await work
      .insertInto('sessions')
      .values({ token_hash: hashSecret(token), user_id: user.id, created_ms: now_ms, expires_ms })
      .execute();
    await recordDeed(work, now_ms, {
      ...{ actor: `user:${user.name}`, action: 'sign_in', subject: `user:${user.name}` },
      details: { address, how: 'code' in credentials ? 'code' : 'password' },
    });
  });
  return { token, user_id: user.id, name: user.name, role: user.role, expires_ms };
}

/** @throws BulkheadError SIGN_IN_LOCKED, SIGN_IN_FAILED */
async function checkCredentials(
  coordinator: Coordinator,
  credentials: Credentials,
  subjects: Subjects,
): Promise<UserRow> {
  await requireUnlocked(coordinator, subjects);
  const user =
    'code' in credentials
      ? await byCode(coordinator, credentials.code)
      : await byPassword(coordinator, credentials);
  if (!user) {
    await rememberFailure(coordinator, subjects);
    throw new BulkheadError(
      'SIGN_IN_FAILED',
      'code' in credentials ? 'this code signs nobody in' : 'name or password is wrong',
      {
        hint:
          'code' in credentials
            ? 'each code works once and for an hour; restarting the coordinator prints a new one as long as nobody has a password'
            : 'after three failures the address is locked for a while',
      },
    );
  }
  return user;
}

export async function signOut(coordinator: Coordinator, token: string): Promise<void> {
  await coordinator.database.deleteFrom('sessions').where('token_hash', '=', hashSecret(token)).execute();
}

/**
 * A code that signs the first administrator in, as long as no administrator has a password. Each coordinator that starts gives one; all
 * of them end with the first password.
 *
 * @returns undefined when there is somebody who can let others in
 */
export async function firstSignIn(
  coordinator: Coordinator,
): Promise<{ code: string; expires_ms: number } | undefined> {
  const now_ms = coordinator.now_ms();
  return await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const admins = await work
      .selectFrom('users')
      .selectAll()
      .where('role', '=', 'admin')
      .where('disabled_ms', 'is', null)
      .execute();
    if (admins.some(({ password_hash }) => password_hash !== null)) return undefined;
    const id = admins[0]?.id ?? newId(coordinator);
    if (admins.length === 0)
      await work
        .insertInto('users')
        .values({
          id,
          name: FIRST_NAME,
          role: 'admin',
          password_hash: null,
          created_ms: now_ms,
          disabled_ms: null,
        })
        .execute();
    const code = formatCode(coordinator.random(10));
    const expires_ms = now_ms + FIRST_SIGN_IN_MS;
    await work
      .insertInto('sign_in_codes')
      .values({ code_hash: hashSecret(code), user_id: id, expires_ms })
      .execute();
    return { code, expires_ms };
  });
}

/**
 * @throws BulkheadError PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG
 */
export async function setPassword(
  coordinator: Coordinator,
  user: { id: string; name: string },
  password: string,
): Promise<void> {
  if (password.length < PASSWORD_MIN)
    throw new BulkheadError('PASSWORD_TOO_SHORT', `a password has at least ${PASSWORD_MIN} characters`);
  if (password.length > PASSWORD_MAX)
    throw new BulkheadError('PASSWORD_TOO_LONG', `a password has at most ${PASSWORD_MAX} characters`);
  const password_hash = await Bun.password.hash(password);
  await coordinator.doWork(async (work) => {
    await work.updateTable('users').set({ password_hash }).where('id', '=', user.id).execute();
    await work.deleteFrom('sign_in_codes').where('user_id', '=', user.id).execute();
    const actor = `user:${user.name}`;
    await recordDeed(work, coordinator.now_ms(), { actor, action: 'user.password', subject: actor });
  });
}

/** The code is gone with this, whether or not what follows works: it was shown on a screen. */
async function byCode({ database, now_ms }: Coordinator, typed: string): Promise<UserRow | undefined> {
  const code = readCode(typed);
  if (code === undefined) return undefined;
  const taken = await database
    .deleteFrom('sign_in_codes')
    .where('code_hash', '=', hashSecret(code))
    .returning(['user_id', 'expires_ms'])
    .executeTakeFirst();
  if (!taken || taken.expires_ms <= now_ms()) return undefined;
  return await activeUser(database, 'id', taken.user_id);
}

async function byPassword(
  { database }: Coordinator,
  given: { name: string; password: string },
): Promise<UserRow | undefined> {
  if (given.password.length > PASSWORD_MAX) return undefined;
  const user = await activeUser(database, 'name', given.name);
  decoyHash ??= Bun.password.hash('nobody has this password');
  const right = await Bun.password.verify(given.password, user?.password_hash ?? (await decoyHash));
  return right && user?.password_hash ? user : undefined;
}

async function activeUser(database: Coordinator['database'], column: 'id' | 'name', value: string) {
  return await database
    .selectFrom('users')
    .selectAll()
    .where(column, '=', value)
    .where('disabled_ms', 'is', null)
    .executeTakeFirst();
}

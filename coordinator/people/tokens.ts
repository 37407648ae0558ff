import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { Principal } from './authorise.ts';
import type { Scope } from './scopes.ts';
import { formatSecret, hashSecret, TOKEN_PREFIX } from './secrets.ts';

export interface ApiToken {
  id: string;
  name: string;
  scopes: Scope[];
  created_ms: number;
  expires_ms: number | null;
  revoked_ms: number | null;
}

/**
 * A token for a program, of the person who asks. It is shown this once.
 *
 * @throws BulkheadError FORBIDDEN when it would have a scope that its maker has not
 */
export async function createToken(
  coordinator: Coordinator,
  principal: Principal,
  wanted: { name: string; scopes: readonly Scope[]; expires_ms: number | null },
): Promise<ApiToken & { token: string }> {
  const beyond = wanted.scopes.find((scope) => !principal.scopes.has(scope));
  if (beyond !== undefined)
    throw new BulkheadError('FORBIDDEN', `${principal.name} has no scope '${beyond}' to give away`);
  const token = formatSecret(TOKEN_PREFIX, coordinator.random(32));
  const now_ms = coordinator.now_ms();
  const { name, expires_ms } = wanted;
  const made = { id: newId(coordinator), name, created_ms: now_ms, expires_ms, revoked_ms: null };
  const scopes = [...new Set(wanted.scopes)];
  await coordinator.doWork(async (work) => {
    const owner = { user_id: principal.user_id, token_hash: hashSecret(token) };
    await work
      .insertInto('api_tokens')
      .values({ ...made, ...owner, scopes: JSON.stringify(scopes) })
      .execute();
    await recordDeed(work, now_ms, {
      ...{
        actor: principal.actor,
        action: 'token.create',
        subject: `token:${made.id}`,
        details: { name, scopes },
      },
    });
  });
  return { ...made, scopes, token };
}

/** Tokens of a person, the revoked ones included. */
export async function listTokens({ database }: Coordinator, user_id: string): Promise<ApiToken[]> {
  const rows = await database
    .selectFrom('api_tokens')
    .selectAll()
    .where('user_id', '=', user_id)
    .orderBy('id')
    .execute();
  return rows.map(({ id, name, scopes, created_ms, expires_ms, revoked_ms }) => ({
    ...{ id, name, scopes: JSON.parse(scopes) as Scope[], created_ms, expires_ms, revoked_ms },
  }));
}

/** @throws BulkheadError TOKEN_UNKNOWN */
export async function revokeToken(coordinator: Coordinator, principal: Principal, id: string): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    const { numUpdatedRows } = await work
      .updateTable('api_tokens')
      .set({ revoked_ms: now_ms })
      .where('id', '=', id)
      .where('user_id', '=', principal.user_id)
      .where('revoked_ms', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new BulkheadError('TOKEN_UNKNOWN', `you have no token ${id}`);
    await recordDeed(work, now_ms, {
      actor: principal.actor,
      action: 'token.revoke',
      subject: `token:${id}`,
    });
  });
}

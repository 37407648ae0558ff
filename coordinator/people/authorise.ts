import { BulkheadError } from '../../base/errors.ts';
import type { Coordinator } from '../context.ts';
import type { Role } from '../database/tables.ts';
import { SESSION_MS } from '../limits.ts';
import { type Scope, scopesOf, scopesOfToken } from './scopes.ts';
import { hashSecret, SESSION_PREFIX, TOKEN_PREFIX } from './secrets.ts';

/** Who makes a request to the API, and what that may do. */
export interface Principal {
  user_id: string;
  name: string;
  role: Role;
  scopes: ReadonlySet<Scope>;
  /** As the audit log names it. */
  actor: string;
  /** The session's token, to end it; null for an API token. */
  session: string | null;
}

const SESSION_COOKIE = 'bulkhead_session';

/**
 * The `Set-Cookie` field of a session: out of reach of scripts, sent to this coordinator alone, and over TLS only where that is how it
 * was asked for. @param token null ends it
 */
export function sessionCookie(request: Request, token: string | null): string {
  const secure =
    new URL(request.url).protocol === 'https:' || request.headers.get('x-forwarded-proto') === 'https';
  const age_s = token === null ? 0 : SESSION_MS / 1000;
  const parts = [
    `${SESSION_COOKIE}=${token ?? ''}`,
    'Path=/',
    `Max-Age=${age_s}`,
    'HttpOnly',
    'SameSite=Strict',
  ];
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ');
}

/**
 * @param scope what the request needs
 * @throws BulkheadError UNAUTHENTICATED, FORBIDDEN, CROSS_SITE
 */
export async function authorise(
  coordinator: Coordinator,
  request: Request,
  scope: Scope,
): Promise<Principal> {
  const principal = await identify(coordinator, request);
  if (!principal)
    throw new BulkheadError('UNAUTHENTICATED', 'sign in first', {
      hint: 'Authorization: Bearer with a token, or a session from POST /api/v1/session',
    });
  requireScope(principal, scope);
  return principal;
}

/** @throws BulkheadError FORBIDDEN */
export function requireScope({ name, scopes }: Principal, scope: Scope): void {
  if (!scopes.has(scope))
    throw new BulkheadError('FORBIDDEN', `${name} may not do this: it takes the scope '${scope}'`);
}

async function identify(coordinator: Coordinator, request: Request): Promise<Principal | undefined> {
  const bearer = /^Bearer ([\w-]{1,100})$/.exec(request.headers.get('authorization') ?? '')?.[1];
  if (bearer?.startsWith(TOKEN_PREFIX)) return await byToken(coordinator, bearer);
  if (bearer?.startsWith(SESSION_PREFIX)) return await bySession(coordinator, bearer);
  const cookie = cookieOf(request, SESSION_COOKIE);
  if (cookie === undefined) return undefined;
  requireSameSite(request);
  return await bySession(coordinator, cookie);
}

/**
 * A cookie is sent by the browser, whoever wrote the page; a request that changes something has to come from a page of ours.
 * (SameSite=Strict keeps it back already; this does not rely on it.)
 */
export function requireSameSite(request: Request): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const site = request.headers.get('sec-fetch-site');
  if (site === 'same-origin' || site === 'none') return;
  const origin = URL.parse(request.headers.get('origin') ?? '');
  if (site === null && origin !== null && origin.host === request.headers.get('host')) return;
  throw new BulkheadError('CROSS_SITE', 'this request was made by a page of somebody else');
}

async function bySession({ database, now_ms }: Coordinator, token: string): Promise<Principal | undefined> {
  const found = await database
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['users.id', 'users.name', 'users.role'])
    .where('sessions.token_hash', '=', hashSecret(token))
    .where('sessions.expires_ms', '>', now_ms())
    .where('users.disabled_ms', 'is', null)
    .executeTakeFirst();
  if (!found) return undefined;
  const { id, name, role } = found;
  return { user_id: id, name, role, scopes: scopesOf(role), actor: `user:${name}`, session: token };
}

async function byToken({ database, now_ms }: Coordinator, token: string): Promise<Principal | undefined> {
  const found = await database
    .selectFrom('api_tokens')
    .innerJoin('users', 'users.id', 'api_tokens.user_id')
    .select(['users.id', 'users.name', 'users.role', 'api_tokens.name as token_name', 'api_tokens.scopes'])
    .where('api_tokens.token_hash', '=', hashSecret(token))
    .where('api_tokens.revoked_ms', 'is', null)
    .where((where) =>
      where.or([where('api_tokens.expires_ms', 'is', null), where('api_tokens.expires_ms', '>', now_ms())]),
    )
    .where('users.disabled_ms', 'is', null)
    .executeTakeFirst();
  if (!found) return undefined;
  const { id, name, role, token_name } = found;
  const scopes = scopesOfToken(role, JSON.parse(found.scopes) as string[]);
  return { user_id: id, name, role, scopes, actor: `token:${name}/${token_name}`, session: null };
}

function cookieOf(request: Request, name: string): string | undefined {
  const pairs = (request.headers.get('cookie') ?? '').split(/;\s*/);
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

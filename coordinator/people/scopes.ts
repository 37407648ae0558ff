import { OneOf } from '../../base/schema.ts';
import type { Role } from '../database/tables.ts';

/** What somebody may do. A token may have fewer than the person it belongs to, never more. */
const SCOPES = ['read', 'device', 'order', 'release', 'rollout', 'alarm', 'build', 'audit', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];
export const Scope = OneOf(SCOPES);

export const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

/** viewer looks; operator runs the fleet; admin decides who may. */
const ROLE_SCOPES: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: ['read'],
  operator: ['read', 'device', 'order', 'release', 'rollout', 'alarm', 'build', 'audit'],
  admin: SCOPES,
};

export function scopesOf(role: Role): ReadonlySet<Scope> {
  return new Set(ROLE_SCOPES[role]);
}

/** What a token may do now: its own scopes, as far as its owner still has them. */
export function scopesOfToken(role: Role, scopes: readonly string[]): ReadonlySet<Scope> {
  return new Set(ROLE_SCOPES[role].filter((scope) => scopes.includes(scope)));
}

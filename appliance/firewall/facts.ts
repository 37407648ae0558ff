import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { FIREWALL_FACTS_FILE } from '../../base/paths.ts';
import { Unknowable } from '../../base/schema.ts';

/** What root last read back from the kernel about the firewall, for those who may not ask the kernel themselves. */
export const FirewallFacts = t.Object({
  loaded: t.Boolean({
    description:
      'the kernel has the rules of a policy (see drift for whose); false with no table or only the emergency rules',
  }),
  mode: t.Union([t.Literal('policy'), t.Literal('other'), t.Literal('emergency'), t.Literal('none')], {
    description:
      'policy: exactly what the configuration asks for; other: our table, but different (older or changed by someone); emergency: the minimal rules loaded when the others were refused; none: no table',
  }),
  rules: t.Integer({ minimum: 0, description: 'rules in the table, as read back' }),
  digest: Unknowable(
    t.String({ description: 'SHA-256 of the table as read back, canonical; null: no table' }),
  ),
  openPorts: t.Array(t.String(), { description: 'ports the loaded rules accept from anywhere: tcp/80' }),
  appliedAt: Unknowable(t.String({ description: 'last time rules of ours were loaded, ISO 8601' })),
  checkedAt: t.String({ description: 'when the kernel was read, ISO 8601' }),
  drift: t.Boolean({ description: 'the kernel has something else than the configuration asks for' }),
  message: t.String({ description: 'one sentence for people' }),
});

export type FirewallFacts = Static<typeof FirewallFacts>;

/**
 * The facts of the last `bulkhead firewall apply` or `check`; null when neither has run since boot.
 *
 * @throws BulkheadError FIREWALL_FACTS_DAMAGED when the file holds something else
 */
export function readFirewallFacts(path = FIREWALL_FACTS_FILE): FirewallFacts | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw damaged(path, cause);
  }
  let facts: unknown;
  try {
    facts = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, cause);
  }
  if (!Value.Check(FirewallFacts, facts)) throw damaged(path, undefined);
  return facts;
}

/** Replaces the file at once and leaves it (and its folder, when new) readable to everybody, whatever the umask of the unit is. */
export function writeFirewallFacts(facts: FirewallFacts, path = FIREWALL_FACTS_FILE): void {
  const created = mkdirSync(dirname(path), { recursive: true });
  if (created !== undefined) chmodSync(dirname(path), 0o755);
  writeFileAtomic(path, `${JSON.stringify(facts, null, 2)}\n`, 0o644);
  chmodSync(path, 0o644);
}

/** Why these facts are no healthy firewall; null when they are. The rule for the health gate. */
export function firewallProblem(facts: FirewallFacts | null): string | null {
  if (facts === null) return 'the firewall was never loaded in this boot';
  if (!facts.loaded || facts.drift) return facts.message;
  return null;
}

function damaged(path: string, cause: unknown): BulkheadError {
  return new BulkheadError('FIREWALL_FACTS_DAMAGED', `${path} does not hold the facts of the firewall`, {
    hint: "'bulkhead firewall check' as root writes it anew",
    cause,
  });
}

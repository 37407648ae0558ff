import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { runOrThrow } from '../../../../../base/run.ts';
import type { Check, Verdict } from '../check.ts';

/** Of libnftables-json(5) what is judged. */
const Ruleset = t.Object({
  nftables: t.Array(
    t.Object({
      chain: t.Optional(
        t.Object({
          family: t.String(),
          table: t.String(),
          name: t.String(),
          type: t.Optional(t.String()),
          hook: t.Optional(t.String()),
          policy: t.Optional(t.String()),
        }),
      ),
      rule: t.Optional(
        t.Object({
          family: t.String(),
          table: t.String(),
          chain: t.String(),
          expr: t.Array(t.Record(t.String(), t.Unknown())),
        }),
      ),
    }),
  ),
});

export const firewallCheck: Check = {
  check_type: 'firewall',
  look: async ({ run, root }) =>
    judgeRuleset(JSON.parse(await runOrThrow(run, 'nft', ['-j', 'list', 'ruleset'])), hasIpv6(root)),
};

/**
 * Whether what comes in is held back unless a rule lets it pass: a base chain of the input hook that drops by policy, or whose last
 * word is a drop or reject without a condition (as firewalld writes it). What iptables-nft and ufw load is seen here, too.
 *
 * @throws Error when it is no rule set
 */
export function judgeRuleset(ruleset: unknown, ipv6: boolean): Verdict {
  if (!Value.Check(Ruleset, ruleset)) throw new Error('nft printed no rule set');
  const closed = ruleset.nftables
    .flatMap(({ chain }) => (chain?.hook === 'input' && chain.type === 'filter' ? [chain] : []))
    .filter(({ family, table, name, policy }) => {
      const last = ruleset.nftables
        .flatMap(({ rule }) =>
          rule?.family === family && rule.table === table && rule.chain === name ? [rule] : [],
        )
        .at(-1);
      return policy === 'drop' || (last !== undefined && endsAll(last.expr));
    });
  const covers = (...families: string[]) => closed.some(({ family }) => families.includes(family));
  const open = [
    ...(covers('inet', 'ip') ? [] : ['IPv4']),
    ...(covers('inet', 'ip6') || !ipv6 ? [] : ['IPv6']),
  ];
  const names = closed.map(({ family, table, name }) => `${family} ${table} ${name}`).join(', ');
  return {
    passed: open.length === 0,
    expected: 'what comes in is held back unless a rule lets it pass',
    actual: open.length === 0 ? `held back by ${names}` : `everything comes in by ${open.join(' and ')}`,
  };
}

/** A counter counts and a log writes; neither asks anything. */
function endsAll(expr: readonly Record<string, unknown>[]): boolean {
  const names = expr.flatMap((statement) => Object.keys(statement));
  return (
    names.some((name) => name === 'drop' || name === 'reject') &&
    names.every((name) => ['drop', 'reject', 'counter', 'log'].includes(name))
  );
}

/** Whether there is an address of IPv6 on more than the loopback interface. */
function hasIpv6(root: string): boolean {
  const file = join(root, 'proc/net/if_inet6');
  if (!existsSync(file)) return false;
  return readFileSync(file, 'utf8')
    .split('\n')
    .some((line) => line.trim() !== '' && !/\slo$/.test(line));
}

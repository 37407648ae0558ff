import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BulkheadError } from '../../../base/errors.ts';
import type { Run } from '../../../base/run.ts';
import { type NetworkLab, startNetworkLab } from '../lab/network-lab.ts';
import * as nft from './build.ts';
import { canonicalDefinition } from './canonical.ts';
import { type NftClient, nftClient } from './client.ts';
import { ruleText } from './text.ts';
import type { RuleDefinition, TableDefinition } from './types.ts';

/** Against the real nft and the real kernel, in a network namespace of its own. */
let lab: NetworkLab;
let client: NftClient;

beforeAll(async () => {
  lab = await startNetworkLab();
  client = nftClient(lab.appliance.run);
});

afterAll(async () => {
  await lab?.close();
});

const NAME = { family: 'inet', name: 'lab' } as const;

function tableOf(rules: RuleDefinition[]): TableDefinition {
  return {
    ...NAME,
    sets: [
      { name: 'watched', type: 'ipv4_addr', size: 128, timeout_s: 60 },
      { name: 'ports', type: 'inet_service', elements: [80, 443] },
    ],
    chains: [
      { name: 'input', hook: { type: 'filter', hook: 'input', prio: 0, policy: 'drop' }, rules },
      { name: 'side', rules: [nft.rule('here', nft.accept)] },
    ],
  };
}

const port = fc.integer({ min: 1, max: 65_535 });
const statement = fc.oneof(
  port.map((number) => nft.field('tcp', 'dport', number)),
  fc.tuple(port, port, port).map(([a, b, c]) => nft.field('udp', 'sport', nft.anyOf(...new Set([a, b, c])))),
  fc.constantFrom('lo', 'eth0', 'wlan0').map((name) => nft.meta('iifname', name)),
  fc
    .uniqueArray(fc.constantFrom('new', 'established', 'related', 'invalid'), { minLength: 1 })
    .map((states) => {
      const [first = 'new', ...others] = states;
      return nft.ctState(first, ...others);
    }),
  fc.integer({ min: 1, max: 128 }).map((bits) => nft.field('ip6', 'saddr', nft.prefix('::', bits))),
  fc.integer({ min: 1, max: 255 }).map((hops) => nft.field('ip', 'ttl', hops)),
  fc
    .tuple(
      fc.integer({ min: 1, max: 500 }),
      fc.constantFrom('second', 'minute', 'hour', 'day'),
      fc.integer({ min: 1, max: 100 }),
    )
    .map(([rate, per, burst]) => nft.within({ rate, per, burst })),
  fc.constantFrom('info', 'warn', 'debug').map((level) => nft.log('lab: ', level)),
  fc
    .integer({ min: 1, max: 60 })
    .map((rate) =>
      nft.overLimitPer(nft.payload('ip', 'saddr'), 'watched', { rate, per: 'minute', burst: 7 }),
    ),
  fc.constantFrom(nft.counter, { jump: { target: 'side' } }),
);
/** Rules that the kernel takes: no contradiction between the families of two matches, a verdict at the end. */
const rules = fc.array(
  fc
    .tuple(statement, fc.constantFrom(nft.accept, nft.drop), fc.stringMatching(/^[a-z]{1,20}$/))
    .map(([first, verdict, comment]) =>
      'jump' in first ? nft.rule(comment, first) : nft.rule(comment, first, verdict),
    ),
  { minLength: 1, maxLength: 12 },
);

describe('the nft client', () => {
  test('reads back whatever it wrote, in canonical form', { timeout: 20_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(rules, async (some) => {
        const table = tableOf(some);
        await client.replace(table);
        expect(await client.read(NAME)).toEqual(canonicalDefinition(table));
      }),
      { numRuns: 20 },
    );
  });

  test('writes rules as text that nft reads as the same rules', { timeout: 20_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(rules, async (some) => {
        const table = tableOf(some);
        const canonical = canonicalDefinition(table);
        await client.replace({ ...table, chains: table.chains.map((chain) => ({ ...chain, rules: [] })) });
        const dynamic = 'type ipv4_addr ; size 128 ; flags dynamic,timeout ; timeout 60s ;';
        const lines = canonical.chains.flatMap((chain) =>
          chain.rules.map(
            (rule) => `add rule inet lab ${chain.name} ${ruleText(rule)} comment "${rule.comment ?? ''}"`,
          ),
        );
        // nft makes a set dynamic when it meets the rules that add to it, so here it has to be said.
        lines.unshift('delete set inet lab watched', `add set inet lab watched { ${dynamic} }`);
        const loaded = await lab.appliance.run('nft', ['-f', '-'], { input: `${lines.join('\n')}\n` });
        expect(loaded.stderr).toBe('');
        expect(await client.read(NAME)).toEqual(canonical);
      }),
      { numRuns: 20 },
    );
  });

  test('reads a table that does not exist as null, and removing it is no error', async () => {
    await client.remove(NAME);
    expect(await client.read(NAME)).toBeNull();
    await client.remove(NAME);
  });

  test('checks without loading', async () => {
    await client.check(tableOf([nft.rule('all', nft.accept)]));
    expect(await client.read(NAME)).toBeNull();
  });

  test('loads all or nothing: one bad rule leaves the table as it was', async () => {
    const good = tableOf([nft.rule('all', nft.accept)]);
    await client.replace(good);
    const bad = tableOf([nft.rule('fine', nft.drop), nft.rule('bad', { jump: { target: 'nowhere' } })]);
    await expect(client.check(bad)).rejects.toMatchObject({ code: 'NFT_REFUSED' });
    await expect(client.replace(bad)).rejects.toThrow(
      /loading table inet lab: nft ended with 1: .*No such file/,
    );
    expect(await client.read(NAME)).toEqual(canonicalDefinition(good));
  });

  test('says so when the kernel does not permit it', async () => {
    const asNobody: Run = (program, args, options) =>
      lab.appliance.run('setpriv', ['--reuid', '65534', '--clear-groups', program, ...args], options);
    const error = await nftClient(asNobody)
      .read(NAME)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BulkheadError);
    expect(error).toMatchObject({ code: 'NFT_NOT_PERMITTED', hint: expect.stringContaining('root') });
  });

  test('does not take garbage for an empty table', async () => {
    const says =
      (stdout: string): Run =>
      (_program, _args, options) =>
        lab.appliance.run('printf', ['%s', stdout], options);
    for (const garbage of ['', 'table inet lab {}', '{}', '[]', '{"nftables": 1}']) {
      await expect(nftClient(says(garbage)).read(NAME)).rejects.toMatchObject({
        code: 'NFT_OUTPUT_INVALID',
      });
    }
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firewallPolicyFor } from '../policy.ts';
import { FIREWALL_TABLE, firewallTable } from '../rules.ts';
import { tableObjects } from './build.ts';
import {
  canonicalDefinition,
  canonicalTable,
  digestOf,
  isObject,
  ruleCount,
  stableJson,
} from './canonical.ts';
import { tableDifferences } from './compare.ts';
import type { JsonValue } from './types.ts';

const table = firewallTable(
  firewallPolicyFor({
    sshEnabled: true,
    sensorsEnabled: true,
    coordinatorPort: 8443,
    targets: [{ address: '2001:db8::7', port: 22 }],
  }),
);
const objects = tableObjects(table);

/** What the kernel adds to a listing: handles, counter readings, learned set members, version. */
function asListed(value: JsonValue, handle: number): JsonValue {
  if (Array.isArray(value)) return value.map((inner) => asListed(inner, handle));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === 'counter') return [key, { packets: handle, bytes: handle * 60 }];
      if (key === 'rule' || key === 'chain' || key === 'table') {
        return [key, isObject(inner) ? { ...(asListed(inner, handle) as object), handle } : inner];
      }
      if (key === 'set' && isObject(inner) && 'type' in inner) {
        const learned = [{ elem: { val: '192.0.2.7', expires: handle } }];
        // As versions of nft do: some print `dynamic`, some do not.
        const flags = [...(handle % 2 === 0 ? ['dynamic'] : []), ...('timeout' in inner ? ['timeout'] : [])];
        return [key, { ...inner, flags, handle, elem: learned }];
      }
      return [key, asListed(inner, handle)];
    }),
  );
}

describe('the canonical form', () => {
  test('is the same for what was asked and for a listing with handles, counters and learned addresses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (handle) => {
        const listing = [{ metainfo: { version: '1.1.3' } }, ...objects.map((one) => asListed(one, handle))];
        expect(canonicalTable(listing, FIREWALL_TABLE)).toEqual(canonicalDefinition(table));
      }),
    );
  });

  test('does not depend on the order of members inside an anonymous set or of the words of a state', () => {
    const reversed = JSON.parse(JSON.stringify(objects), (key, value: unknown) =>
      (key === 'set' || key === 'right') && Array.isArray(value) ? [...value].reverse() : value,
    ) as JsonValue[];
    expect(stableJson(reversed)).not.toBe(stableJson(objects));
    expect(digestOf(canonicalTable(reversed, FIREWALL_TABLE))).toBe(digestOf(canonicalDefinition(table)));
  });

  test('depends on every rule and on their order', () => {
    const wanted = canonicalDefinition(table);
    const ruleIndexes = objects.flatMap((object, at) => ('rule' in object ? [at] : []));
    expect(ruleIndexes.length).toBe(ruleCount(wanted));
    for (const at of ruleIndexes) {
      const without = canonicalTable(objects.toSpliced(at, 1), FIREWALL_TABLE);
      expect(digestOf(without)).not.toBe(digestOf(wanted));
      expect(tableDifferences(wanted, without)).toHaveLength(1);
    }
    const [first = 0, second = 0] = ruleIndexes;
    const swapped = objects.with(first, objects[second] ?? {}).with(second, objects[first] ?? {});
    expect(tableDifferences(wanted, canonicalTable(swapped, FIREWALL_TABLE))).toEqual([
      'chain input has its rules in another order',
    ]);
  });

  test('passes over objects of other tables', () => {
    const foreign = objects.map((object) =>
      JSON.parse(JSON.stringify(object).replaceAll('"bulkhead"', '"other"')),
    ) as JsonValue[];
    expect(canonicalTable([...foreign, ...objects], FIREWALL_TABLE)).toEqual(canonicalDefinition(table));
  });

  test('knows a protocol by name and by number', () => {
    const rule = (right: JsonValue) =>
      canonicalTable(
        [
          { chain: { family: 'inet', table: 'bulkhead', name: 'c' } },
          {
            rule: {
              family: 'inet',
              table: 'bulkhead',
              chain: 'c',
              expr: [
                { match: { op: '==', left: { payload: { protocol: 'ip', field: 'protocol' } }, right } },
              ],
            },
          },
        ],
        FIREWALL_TABLE,
      );
    expect(rule('igmp')).toEqual(rule(2));
    expect(rule('tcp')).not.toEqual(rule(2));
  });
});

describe('the differences between two tables', () => {
  const wanted = canonicalDefinition(table);

  test('are none between equal ones', () => {
    expect(tableDifferences(wanted, canonicalDefinition(table))).toEqual([]);
  });

  test('name a missing table', () => {
    expect(tableDifferences(wanted, null)).toEqual(['table inet bulkhead does not exist']);
  });

  test('name a doubled rule, a changed policy, a missing set, an unexpected map and a sleeping table', () => {
    const changed = structuredClone(wanted);
    const forward = changed.chains.find((chain) => chain.name === 'forward');
    if (forward === undefined) throw new Error('no forward chain');
    forward.rules.push(...forward.rules);
    forward.hook = { ...forward.hook, policy: 'accept' };
    changed.sets = changed.sets.filter(({ name }) => name !== 'ssh_brake_ipv4');
    changed.others = [{ kind: 'map', name: 'm' }];
    changed.flags = ['dormant'];
    const found = tableDifferences(wanted, changed);
    expect(found).toHaveLength(5);
    expect(found).toContain("chain forward has the extra rule 'counter drop'");
    expect(found).toContain('set ssh_brake_ipv4 is missing');
    expect(found.join('\n')).toContain('"policy":"accept"');
    expect(found.join('\n')).toContain('dormant');
    expect(found.join('\n')).toContain('"kind":"map"');
  });
});

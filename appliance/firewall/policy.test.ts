import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { policyOf } from './load-policy.ts';
import { canonicalDefinition } from './nft/canonical.ts';
import { openPorts } from './open-ports.ts';
import { coordinatorPortOf, firewallPolicyFor, NOTHING_CONFIGURED } from './policy.ts';
import { shownFirewall, showText } from './present.ts';
import { emergencyTable, firewallTable } from './rules.ts';

const everything = {
  sshEnabled: true,
  sensorsEnabled: true,
  coordinatorPort: 8443,
  targets: [
    { address: '192.0.2.7', port: 22 },
    { address: '2001:DB8:0::7', port: 2222 },
    { address: '::FFFF:192.0.2.7', port: 22 },
    { address: '192.0.2.8', port: 5986 },
    { address: 'files.example', port: 2200 },
  ],
};

describe('the policy', () => {
  test('opens only port 80 when nothing is configured', () => {
    expect(firewallPolicyFor(NOTHING_CONFIGURED).inputTcpPorts).toEqual([80]);
  });

  test('opens SSH only with a key, the sensor ports only with the sensor services', () => {
    expect(firewallPolicyFor({ ...NOTHING_CONFIGURED, sshEnabled: true }).inputTcpPorts).toEqual([22, 80]);
    expect(firewallPolicyFor({ ...NOTHING_CONFIGURED, sensorsEnabled: true }).inputTcpPorts).toEqual([
      80, 8080, 50_051,
    ]);
  });

  test('follows the configuration: keys open SSH, the coordinator URL adds its port and never a name', () => {
    const policy = policyOf({
      ssh: { authorized_keys: ['ssh-ed25519 AAAA'] },
      coordinator: { url: 'https://coordinator.example:8443/path' },
      sensors: { enabled: true },
      targets: [],
    });
    expect(policy.inputTcpPorts).toEqual([22, 80, 8080, 50_051]);
    expect(policy.outputTcpPorts).toEqual([53, 443, 5985, 5986, 8443]);
    expect(JSON.stringify(firewallTable(policy))).not.toContain('coordinator');
    const nothing = { ssh: { authorized_keys: [] }, coordinator: { url: null }, targets: [] };
    expect(policyOf({ ...nothing, sensors: { enabled: false } })).toEqual(
      firewallPolicyFor(NOTHING_CONFIGURED),
    );
  });

  test('opens the way to a declared machine alone, by name its port, and nothing where every way is open anyway', () => {
    const policy = firewallPolicyFor({ ...NOTHING_CONFIGURED, targets: everything.targets });
    expect(policy.outputTcpPorts).toEqual([53, 443, 2200, 5985, 5986]);
    expect(policy.outputTargets).toEqual([
      { address: '192.0.2.7', port: 22 },
      { address: '2001:db8::7', port: 2222 },
    ]);
    expect(JSON.stringify(firewallTable(policy))).not.toContain('files.example');
    expect(() =>
      firewallTable({ ...policy, outputTargets: [{ address: 'files.example', port: 22 }] }),
    ).toThrow(expect.objectContaining({ code: 'FIREWALL_ADDRESS_INVALID' }));
  });

  test('takes the port of a URL as written or as its scheme implies', () => {
    expect(coordinatorPortOf('https://c.example')).toBe(443);
    expect(coordinatorPortOf('https://c.example:443')).toBe(443);
    expect(coordinatorPortOf('http://c.example')).toBe(80);
    expect(coordinatorPortOf('https://[2001:db8::1]:4443/x')).toBe(4443);
    expect(coordinatorPortOf(null)).toBeNull();
    for (const bad of ['c.example', 'ftp://c.example', 'https://', 'https://c:99999']) {
      expect(() => coordinatorPortOf(bad)).toThrow(/is not the URL of a coordinator/);
    }
  });

  test('refuses what is not a port', () => {
    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
      expect(() => firewallPolicyFor({ ...NOTHING_CONFIGURED, coordinatorPort: port })).toThrow(
        expect.objectContaining({ code: 'FIREWALL_PORT_INVALID' }),
      );
    }
  });
});

describe('the rules', () => {
  const ports = fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 20 });

  test('open exactly the ports of the policy, whatever they are', () => {
    fc.assert(
      fc.property(ports, ports, ports, (inputTcpPorts, outputTcpPorts, outputUdpPorts) => {
        const table = firewallTable({ inputTcpPorts, outputTcpPorts, outputUdpPorts, outputTargets: [] });
        const sorted = [...inputTcpPorts].sort((a, b) => a - b);
        expect(openPorts(canonicalDefinition(table))).toEqual(sorted.map((port) => `tcp/${port}`));
      }),
    );
  });

  test('do not depend on the order or the repetition of ports', () => {
    fc.assert(
      fc.property(ports, (list) => {
        const shuffled = [...list].reverse();
        const of = (inputTcpPorts: number[]) =>
          firewallTable({ inputTcpPorts, outputTcpPorts: list, outputUdpPorts: [], outputTargets: [] });
        expect(of([...shuffled, ...list])).toEqual(of(list));
      }),
    );
  });

  test('drop by default in every direction and end by counting what they drop', () => {
    for (const { hook, rules } of firewallTable(firewallPolicyFor(everything)).chains) {
      expect(hook?.policy).toBe('drop');
      expect(rules.at(-1)?.expr).toEqual([{ counter: null }, { drop: null }]);
    }
  });

  test('never log without a limit in front', () => {
    const logging = firewallTable(firewallPolicyFor(everything))
      .chains.flatMap((chain) => chain.rules)
      .filter((rule) => rule.expr.some((statement) => 'log' in statement));
    expect(logging).toHaveLength(2);
    for (const { expr } of logging) {
      const at = (key: string) => expr.findIndex((statement) => key in statement);
      expect(at('limit')).toBeGreaterThanOrEqual(0);
      expect(at('limit')).toBeLessThan(at('log'));
    }
  });

  test('of the emergency need no set, limit, log or brake, and open the status page only', () => {
    const table = emergencyTable(80);
    expect(openPorts(canonicalDefinition(table))).toEqual(['tcp/80']);
    expect(table.sets).toEqual([]);
    const words = new Set(
      table.chains.flatMap(({ rules }) => rules.flatMap(({ expr }) => expr.flatMap(Object.keys))),
    );
    expect([...words].sort()).toEqual(['accept', 'match']);
    expect(table.chains.every((chain) => chain.hook?.policy === 'drop')).toBe(true);
  });

  test('read as they did when they were last reviewed', async () => {
    const text = (needs: Parameters<typeof firewallPolicyFor>[0]) =>
      `${showText(shownFirewall({ policy: firewallPolicyFor(needs), problem: null }))}\n`;
    await expect(text(NOTHING_CONFIGURED)).toMatchFileSnapshot('./golden/nothing-configured.txt');
    await expect(text(everything)).toMatchFileSnapshot('./golden/everything.txt');
  });
});

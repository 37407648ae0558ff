import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FirewallFacts, readFirewallFacts } from '../firewall/facts.ts';
import { type NetworkLab, startNetworkLab } from '../firewall/lab/network-lab.ts';
import { firewallPolicyFor, NOTHING_CONFIGURED } from '../firewall/policy.ts';
import { startedByBulkhead } from '../setup/require-appliance.ts';
import { type FirewallCommandTools, registerFirewallWith } from './firewall.ts';

let net: NetworkLab;
let folder: string;
let tools: FirewallCommandTools;

beforeAll(async () => {
  net = await startNetworkLab();
  folder = mkdtempSync(join(tmpdir(), 'firewall-command-'));
  tools = {
    loadPolicy: async () => ({ policy: firewallPolicyFor(NOTHING_CONFIGURED), problem: null }),
    run: net.appliance.run,
    now: () => new Date(0),
    factsPath: join(folder, 'run', 'firewall.json'),
    isRoot: () => true,
    isAppliance: async () => true,
  };
});

afterAll(async () => {
  await net?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function bulkhead(args: string[], changed: Partial<FirewallCommandTools> = {}) {
  let out = '';
  let code = 0;
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: () => undefined,
    setExitCode: (status: number) => {
      code = status;
    },
  };
  const program = new Command('bulkhead').exitOverride().configureOutput({ writeOut: io.out });
  registerFirewallWith(program, io, { ...tools, ...changed });
  await program.parseAsync(['firewall', ...args], { from: 'user' });
  return { out, code };
}

describe('bulkhead firewall', () => {
  test('shows the rules and the ports without asking the kernel', async () => {
    const run = () => Promise.reject(new Error('asked the kernel'));
    const { out, code } = await bulkhead(['show'], { run });
    expect(code).toBe(0);
    expect(out).toContain('open to the network: tcp/80\n');
    expect(out).toContain('  tcp dport 80 ct state new accept\n');
    const shown = JSON.parse((await bulkhead(['show', '--json'], { run })).out);
    expect(shown).toMatchObject({ table: 'inet bulkhead', openPorts: ['tcp/80'], problem: null });
    expect(shown.chains.map((chain: { name: string }) => chain.name)).toEqual(['input', 'forward', 'output']);
  });

  test('checks with exit status 1 until the rules are applied, then with 0, and again 1 after a change', async () => {
    expect((await bulkhead(['check'])).code).toBe(1);
    const applied = await bulkhead(['apply', '--json']);
    expect(applied.code).toBe(0);
    expect(JSON.parse(applied.out)).toEqual(readFirewallFacts(tools.factsPath));
    expect(Value.Check(FirewallFacts, JSON.parse(applied.out))).toBe(true);
    const checked = await bulkhead(['check']);
    expect(checked.code).toBe(0);
    expect(checked.out).toMatch(/^as configured, open: tcp\/80\n/);
    await net.appliance.run('nft', ['flush', 'chain', 'inet', 'bulkhead', 'forward']);
    const drifted = await bulkhead(['check', '--json']);
    expect(drifted.code).toBe(1);
    expect(JSON.parse(drifted.out)).toMatchObject({ drift: true, rules: JSON.parse(applied.out).rules - 1 });
    expect(readFirewallFacts(tools.factsPath)?.drift).toBe(true);
  });

  test('shows and applies the same digest', async () => {
    const shown = JSON.parse((await bulkhead(['show', '--json'])).out);
    const applied = JSON.parse((await bulkhead(['apply', '--json'])).out);
    expect(applied.digest).toBe(shown.digest);
    expect(applied.rules).toBe(shown.rules);
  });

  test('does not close a machine that is no appliance, unless somebody insists', async () => {
    const workstation = {
      isAppliance: async () => startedByBulkhead(join(folder, 'no-such-command-line')),
      factsPath: join(folder, 'workstation.json'),
    };
    await net.appliance.run('nft', ['delete', 'table', 'inet', 'bulkhead']);
    await expect(bulkhead(['apply'], workstation)).rejects.toMatchObject({
      code: 'FIREWALL_NOT_AN_APPLIANCE',
    });
    expect((await net.appliance.run('nft', ['list', 'tables'])).stdout).toBe('');
    expect(existsSync(workstation.factsPath)).toBe(false);
    expect((await bulkhead(['apply', '--yes'], workstation)).code).toBe(0);
    expect((await net.appliance.run('nft', ['list', 'tables'])).stdout).toBe('table inet bulkhead\n');
  });

  test('without root applies nothing and records nothing', async () => {
    const factsPath = join(folder, 'nobody.json');
    const nobody = { isRoot: () => false, factsPath };
    await expect(bulkhead(['apply'], nobody)).rejects.toMatchObject({ code: 'FIREWALL_NEEDS_ROOT' });
    await bulkhead(['check'], nobody);
    expect(existsSync(factsPath)).toBe(false);
  });

  test('explains itself', async () => {
    let help = '';
    const program = new Command('bulkhead').exitOverride().configureOutput({
      writeOut: (text) => {
        help += text;
      },
    });
    registerFirewallWith(program, { out: () => {}, err: () => {}, setExitCode: () => {} }, tools);
    await program.parseAsync(['firewall', '--help'], { from: 'user' }).catch(() => undefined);
    expect(help).toContain('bulkhead firewall check');
    expect(help).toContain('in the documentation');
  });
});

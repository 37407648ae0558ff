import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Run, run } from '../../base/run.ts';
import { firewallProblem, readFirewallFacts } from './facts.ts';
import { type NetworkLab, startNetworkLab } from './lab/network-lab.ts';
import { nftClient } from './nft/client.ts';
import { applyFirewall, checkFirewall, type FirewallTools, liveFirewall } from './operate.ts';
import { firewallPolicyFor, NOTHING_CONFIGURED } from './policy.ts';
import { emergencyTable, FIREWALL_TABLE } from './rules.ts';

/** The real nft and the real kernel in a network namespace; the facts in a temporary folder. */
let net: NetworkLab;
let folder: string;
let tools: FirewallTools & { factsPath: string };
let seconds = 0;

beforeAll(async () => {
  net = await startNetworkLab();
  for (const port of [22, 80]) await net.appliance.ask({ op: 'tcp-listen', port });
  folder = mkdtempSync(join(tmpdir(), 'firewall-operate-'));
  tools = {
    nft: nftClient(net.appliance.run),
    now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)),
    factsPath: join(folder, 'firewall.json'),
  };
});

afterAll(async () => {
  await net?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  seconds = 0;
  await tools.nft.remove(FIREWALL_TABLE);
  rmSync(tools.factsPath, { force: true });
});

const page = { policy: firewallPolicyFor(NOTHING_CONFIGURED), problem: null };
const ssh = { policy: firewallPolicyFor({ ...NOTHING_CONFIGURED, sshEnabled: true }), problem: null };

const nftText = async (command: string) => {
  const result = await net.appliance.run('nft', ['-f', '-'], { input: `${command}\n` });
  expect(result.stderr).toBe('');
};

/** A kernel or nft that does not know a word: the real nft meets another word in its place, and refuses. */
function toolsWithout(word: string): typeof tools {
  const lacking: Run = (program, args, options) =>
    net.appliance.run(program, args, {
      ...options,
      ...(options?.input === undefined
        ? {}
        : { input: options.input.replaceAll(`"${word}"`, '"unheard-of"') }),
    });
  return { ...tools, nft: nftClient(lacking) };
}

describe('applying', () => {
  test('loads the policy, reads it back and records what the kernel has', async () => {
    const facts = await applyFirewall(ssh, tools);
    expect(facts).toMatchObject({
      loaded: true,
      mode: 'policy',
      drift: false,
      openPorts: ['tcp/22', 'tcp/80'],
      appliedAt: '2026-01-01T00:00:00.000Z',
      checkedAt: '2026-01-01T00:00:00.000Z',
    });
    expect(firewallProblem(facts)).toBeNull();
    expect(readFirewallFacts(tools.factsPath)).toEqual(facts);
    expect(await liveFirewall(tools.nft)).toEqual({ loaded: true, digest: facts.digest });
    const listed = await net.appliance.run('nft', ['list', 'table', 'inet', 'bulkhead']);
    expect(listed.stdout.match(/comment "/g)).toHaveLength(facts.rules);
  });

  test('twice gives the same digest, and another policy another one', async () => {
    const first = await applyFirewall(page, tools);
    const second = await applyFirewall(page, tools);
    expect(second.digest).toBe(first.digest);
    expect((await applyFirewall(ssh, tools)).digest).not.toBe(first.digest);
  });

  test('touches no other table', async () => {
    await nftText('add table inet other\nadd chain inet other c\nadd rule inet other c counter accept');
    const listing = () => net.appliance.run('nft', ['-a', 'list', 'table', 'inet', 'other']);
    const before = await listing();
    await applyFirewall(page, tools);
    await applyFirewall(ssh, tools);
    await tools.nft.remove(FIREWALL_TABLE);
    expect(await listing()).toEqual(before);
    expect(before.stdout).toContain('accept');
    await nftText('delete table inet other');
  });

  test('when the rules are refused at boot loads the emergency rules and says why', async () => {
    const facts = await applyFirewall(ssh, toolsWithout('limit'));
    expect(facts).toMatchObject({ loaded: false, mode: 'emergency', drift: true, openPorts: ['tcp/80'] });
    expect(facts.message).toMatch(/^only the emergency rules are loaded.*NFT_REFUSED.*unheard-of/);
    expect(firewallProblem(facts)).toBe(facts.message);
    const [open, closed] = await Promise.all([
      net.lan.connect('192.0.2.10', 80),
      net.lan.connect('192.0.2.10', 22),
    ]);
    expect([open, closed]).toEqual(['open', 'timeout']);
    expect(await checkFirewall(ssh, tools)).toMatchObject({ loaded: false, mode: 'emergency', drift: true });
    expect(await applyFirewall(ssh, tools)).toMatchObject({ loaded: true, mode: 'policy', drift: false });
  });

  test('when new rules are refused later keeps those that were loaded', async () => {
    const before = await applyFirewall(page, tools);
    seconds = 30;
    const facts = await applyFirewall(ssh, toolsWithout('limit'));
    expect(facts).toMatchObject({
      mode: 'other',
      drift: true,
      digest: before.digest,
      openPorts: ['tcp/80'],
      appliedAt: before.appliedAt,
    });
    expect(facts.message).toMatch(/NFT_REFUSED/);
  });

  test('when somebody emptied the table and the rules are refused does not keep the empty one', async () => {
    await applyFirewall(page, tools);
    await nftText('chain inet bulkhead input { policy accept ; }');
    expect(await applyFirewall(ssh, toolsWithout('limit'))).toMatchObject({ mode: 'emergency' });
  });

  test('when nothing can be loaded at all says that there is no firewall', async () => {
    const facts = await applyFirewall(page, toolsWithout('table'));
    expect(facts).toMatchObject({ loaded: false, mode: 'none', drift: true, rules: 0, digest: null });
    expect(facts.appliedAt).toBeNull();
    expect(facts.message).toMatch(/^no firewall is loaded .*the emergency rules: NFT_REFUSED/);
    expect(readFirewallFacts(tools.factsPath)).toEqual(facts);
  });

  test('without the program nft says that it is missing', async () => {
    const missing: Run = (_program, args, options) => run('/nonexistent/nft', args, options);
    const facts = await applyFirewall(page, { ...tools, nft: nftClient(missing) });
    expect(facts).toMatchObject({ loaded: false, mode: 'none', openPorts: [] });
    expect(facts.message).toContain('COMMAND_NOT_FOUND');
  });

  test('with a refused configuration loads the built-in policy at boot, and later changes nothing', async () => {
    const refused = { ...page, problem: 'config.yaml:3: what is this' };
    const facts = await applyFirewall(refused, tools);
    expect(facts).toMatchObject({ loaded: true, drift: false, openPorts: ['tcp/80'] });
    expect(facts.message).toContain('config.yaml:3');
    expect(await applyFirewall(refused, tools)).toMatchObject({ drift: false, digest: facts.digest });
    await tools.nft.replace(emergencyTable(80));
    expect(await applyFirewall(refused, tools)).toMatchObject({ drift: false, digest: facts.digest });
    const loaded = await applyFirewall(ssh, tools);
    await expect(applyFirewall(refused, tools)).rejects.toMatchObject({ code: 'FIREWALL_POLICY_UNKNOWN' });
    expect(await liveFirewall(tools.nft)).toMatchObject({ digest: loaded.digest });
  });
});

describe('checking', () => {
  test('finds no drift in what was applied, keeps the time of applying and takes its own', async () => {
    await applyFirewall(ssh, tools);
    // The brake learns an address and counters count: neither is drift.
    expect(await net.lan.connect('192.0.2.10', 22)).toBe('open');
    seconds = 59;
    expect(await checkFirewall(ssh, tools)).toMatchObject({
      drift: false,
      appliedAt: '2026-01-01T00:00:00.000Z',
      checkedAt: '2026-01-01T00:00:59.000Z',
    });
    expect(readFirewallFacts(tools.factsPath)?.checkedAt).toBe('2026-01-01T00:00:59.000Z');
  });

  const handleOf = async (comment: string) => {
    const listed = await net.appliance.run('nft', ['-a', 'list', 'table', 'inet', 'bulkhead']);
    return new RegExp(`comment "${comment}" # handle (\\d+)`).exec(listed.stdout)?.[1];
  };

  const drifts: [string, () => Promise<void>, RegExp][] = [
    [
      'a deleted rule',
      async () => nftText(`delete rule inet bulkhead input handle ${await handleOf('open port 80')}`),
      /chain input lacks the rule 'tcp dport 80 ct state new accept'/,
    ],
    [
      'an added rule',
      () => nftText('insert rule inet bulkhead input tcp dport 12345 accept'),
      /chain input has the extra rule 'tcp dport 12345 accept'/,
    ],
    [
      'a moved rule',
      async () => {
        await nftText(`delete rule inet bulkhead input handle ${await handleOf('loopback')}`);
        await nftText('add rule inet bulkhead input meta iifname lo accept comment "loopback"');
      },
      /chain input has its rules in another order/,
    ],
    ['an emptied chain', () => nftText('flush chain inet bulkhead output'), /and \d+ more/],
    [
      'a default of accept',
      () => nftText('chain inet bulkhead input { policy accept ; }'),
      /chain input is .*"policy":"accept"/,
    ],
    [
      'a sleeping table',
      () => nftText('add table inet bulkhead { flags dormant ; }'),
      /the table has the flags/,
    ],
    ['an added chain', () => nftText('add chain inet bulkhead side'), /unexpected chain side/],
    ['a deleted table', () => nftText('delete table inet bulkhead'), /no firewall is loaded/],
  ];
  test.each(drifts)('finds %s, and applying again repairs it', async (_name, change, words) => {
    const applied = await applyFirewall(page, tools);
    await change();
    const facts = await checkFirewall(page, tools);
    expect(facts.drift).toBe(true);
    expect(facts.message).toMatch(words);
    expect(facts.digest).not.toBe(applied.digest);
    expect(firewallProblem(facts)).toBe(facts.message);
    expect(readFirewallFacts(tools.factsPath)).toEqual(facts);
    expect(await applyFirewall(page, tools)).toMatchObject({ drift: false, digest: applied.digest });
  });

  test('shows a port that somebody else opened, and that a firewall put to sleep filters nothing', async () => {
    await applyFirewall(page, tools);
    await nftText('insert rule inet bulkhead input tcp dport { 4000-4002, 12345 } accept');
    expect((await checkFirewall(page, tools)).openPorts).toEqual(['tcp/80', 'tcp/4000-4002', 'tcp/12345']);
    await nftText('add table inet bulkhead { flags dormant ; }');
    expect(await checkFirewall(page, tools)).toMatchObject({ loaded: false, drift: true });
  });

  test('before anything was applied says that no firewall is loaded', async () => {
    expect(await checkFirewall(page, tools)).toMatchObject({
      loaded: false,
      mode: 'none',
      appliedAt: null,
      message: 'no firewall is loaded',
    });
  });

  test('replaces a damaged facts file by the truth', async () => {
    await applyFirewall(page, tools);
    writeFileSync(tools.factsPath, 'garbage');
    expect(await checkFirewall(page, tools)).toMatchObject({ drift: false, appliedAt: null });
    expect(readFirewallFacts(tools.factsPath)?.loaded).toBe(true);
  });
});

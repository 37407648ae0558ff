import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Run, run } from '../../base/run.ts';
import { testKey } from '../../base/signing/test-key.ts';
import { type RuleSet, sealRuleSet } from '../../protocol/healing/rule-set.ts';
import { openLog } from '../../test/evidence/evidence-lab.ts';
import { heard } from '../../test/unit/heard.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { jsonFile } from '../../updater/state/json-file.ts';
import type { Detection } from '../findings/detection.ts';
import { createFindings } from '../findings/findings.ts';
import { exampleDetection, NOON_S, SENSOR } from '../findings/lab/detections.ts';
import { FINDINGS_PART } from '../findings/tables.ts';
import { APPLIANCE_IPV4, type NetworkLab, startNetworkLab } from '../firewall/lab/network-lab.ts';
import { canonicalDefinition } from '../firewall/nft/canonical.ts';
import { nftClient } from '../firewall/nft/client.ts';
import { tableDifferences } from '../firewall/nft/compare.ts';
import { firewallPolicyFor, NOTHING_CONFIGURED } from '../firewall/policy.ts';
import { FIREWALL_TABLE, firewallTable } from '../firewall/rules.ts';
import { runProgram } from '../program.ts';
import { createCommands } from '../sensors/commands/create-commands.ts';
import { COMMANDS_PART } from '../sensors/commands/results-table.ts';
import { createRegistry } from '../sensors/registry/registry.ts';
import { SENSORS_PART } from '../sensors/registry/tables.ts';
import { callSite } from '../site/control/client.ts';
import { serveControl } from '../site/control/server.ts';
import { openSiteStore } from '../site/store/store.ts';
import type { HealingStatus } from './control.ts';
import type { Healing } from './engine/healing-record.ts';
import { HEALING_PART } from './engine/tables.ts';
import { createHealing } from './healing.ts';
import { HealAnswer } from './targets/appliance/request.ts';
import { serveHealing } from './targets/appliance/serve.ts';

/** The whole of healing, on its real neighbours, asked by its socket. */

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Look = (check_type: string) => Promise<Detection>;

async function startSite(look: Look, systemctl: Run) {
  const folder = makeFolder('healing-site');
  const clock = { now_s: NOON_S };
  const now = () => new Date(clock.now_s * 1000);
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const store = openSiteStore({
    ...{ file: join(folder, 'site.db'), warn },
    parts: [FINDINGS_PART, SENSORS_PART, COMMANDS_PART, HEALING_PART],
  });
  const findings = createFindings({ store, now_ms: () => now().getTime(), warn });
  const evidence = await openLog(join(folder, 'evidence'));
  const registry = createRegistry({ store, now, warn });
  const commands = createCommands({ store, registry, now_ms: () => now().getTime(), warn });
  const files = { request: join(folder, 'request.json'), answer: join(folder, 'answer.json') };
  const healing = createHealing({
    ...{ store, findings, evidence, configured: 'on', now, warn, note: () => {}, files },
    ...{ machine: () => null, lookAtAppliance: look },
    sensors: { find: registry.find, list: registry.list, commands },
  });
  const socket = join(folder, 'socket');
  const control = serveControl({
    socket,
    parts: [healing.control],
    onFault: (words) => warnings.push(words),
  });
  // As the path unit: root is started when there is a request.
  const answer = jsonFile(files.answer, HealAnswer, 'the answer');
  const root = setInterval(() => {
    if (existsSync(files.request))
      void serveHealing({ run: systemctl, requestFile: files.request, answer }).catch(
        () => 'it is in the answer',
      );
  }, 20);
  ends.push(async () => {
    clearInterval(root);
    await control.stop();
    await healing.stop();
    findings.stop();
    await registry.stop();
    await evidence.stop();
    store.stop();
  });
  const ask = async <T>(path: string, call: { method?: 'POST' | 'PUT'; body?: unknown } = {}) =>
    (await callSite(`/v1/healing${path}`, { socket, ...call })) as T;
  /** Until a healing is over. */
  const over = async (): Promise<Healing | undefined> => {
    for (;;) {
      await Bun.sleep(30);
      const { running } = await ask<HealingStatus>('/');
      if (running === 0) return (await ask<Healing[]>('/history?limit=1'))[0];
    }
  };
  return { clock, findings, evidence, registry, commands, ask, over, warnings, socket, folder };
}

describe('the firewall of the appliance, in a network of its own,', () => {
  let network: NetworkLab;
  const intended = firewallTable(firewallPolicyFor(NOTHING_CONFIGURED));
  const nft = () => nftClient(network.appliance.run);
  const look: Look = async (check_type) => {
    const found = tableDifferences(canonicalDefinition(intended), await nft().read(FIREWALL_TABLE));
    const passed = found.length === 0;
    const seen = {
      passed,
      expected: 'the rules of the configuration',
      metadata: { state: passed ? 'holds' : 'fails' },
    };
    return exampleDetection({
      subject: 'appliance',
      check_type,
      ...seen,
      actual: found[0] ?? 'they are loaded',
    });
  };
  const begin = async () => {
    network = await startNetworkLab();
    ends.push(() => network.close());
    await network.appliance.ask({ op: 'tcp-listen', port: 9999 });
    await nft().replace(intended);
  };
  const isOpen = async () => (await network.lan.connect(APPLIANCE_IPV4, 9999)) === 'open';
  const stopFirewall = () => network.appliance.run('nft', ['flush', 'ruleset']);

  test('is stopped, loaded again by root, and seen to hold; the evidence has both looks', async () => {
    await begin();
    const site = await startSite(look, async () => {
      await nft().replace(intended);
      return { code: 0, stdout: '', stderr: '' };
    });
    expect(await isOpen()).toBe(false);
    await stopFirewall();
    expect(await isOpen()).toBe(true);
    await site.findings.record([await look('firewall')]);
    expect(await site.over()).toMatchObject({
      ...{ state: 'healed', rule_id: 'bh-appliance-firewall', told: true },
      ...{ seen: { passed: false }, seen_again: { passed: true } },
      output: 'systemctl reload-or-restart bulkhead-firewall.service',
    });
    expect(await isOpen()).toBe(false);
    expect(site.findings.find({})).toMatchObject([{ state: 'closed', closed_by: 'healing' }]);
    expect(site.evidence.head().seq).toBeGreaterThanOrEqual(2);
    expect(site.warnings).toEqual([]);
  });

  test('is not healed by a helper that says so and does nothing, and it is not asked for ever', async () => {
    await begin();
    let asked = 0;
    const site = await startSite(look, async () => {
      asked += 1;
      return { code: 0, stdout: '', stderr: '' };
    });
    await stopFirewall();
    for (let round = 0; round < 5; round += 1) {
      site.clock.now_s += 300;
      await site.findings.record([{ ...(await look('firewall')), at_s: site.clock.now_s }]);
      await site.over();
    }
    expect(await isOpen()).toBe(true);
    expect(asked).toBe(3);
    const { counts, stopped } = await site.ask<HealingStatus>('/');
    expect([counts.healed, counts.not_healed, counts.gave_up]).toEqual([0, 2, 1]);
    expect(stopped).toMatchObject([{ subject: 'appliance', check_type: 'firewall', why: 'gave_up' }]);
    expect(
      await site.ask('/reset', { method: 'POST', body: { subject: 'appliance', check_type: 'firewall' } }),
    ).toEqual({
      reset: true,
    });
  });
});

const nobody: Look = () => Promise.reject(new Error('nobody looks'));

describe('a sensor', () => {
  const start = async (tier: 'monitor_only' | 'self_heal') => {
    const site = await startSite(nobody, run);
    await site.registry.add({
      ...{
        id: SENSOR,
        hostname: 'till-1',
        way: 'http',
        domain: null,
        os_version: 'Debian 12',
        agent_version: '1',
      },
      ...{
        mac_address: null,
        tier,
        admitted_at: new Date().toISOString(),
        admitted_by: 'code',
        revoked_at: null,
      },
      ...{ last_heard_at: null, mode: null, drift_count: 0, healing_count: 0 },
    });
    site.registry.heard(SENSOR, null);
    return site;
  };
  const drift = exampleDetection();

  test('is told to heal what it found, and what it finds next decides', async () => {
    const site = await start('self_heal');
    await site.findings.record([drift]);
    await expect.poll(() => site.commands.pending(SENSOR), { timeout: 10_000 }).toHaveLength(1);
    const [command] = site.commands.pending(SENSOR);
    expect(command).toMatchObject({ check_type: 'firewall', action: 'enable_firewall' });
    const told = {
      command_id: command?.command_id ?? '',
      sensor: SENSOR,
      check_type: 'firewall',
      success: true,
    };
    await site.commands.result({ ...told, error_message: '', at_s: NOON_S + 5, artifacts: {} });
    await site.findings.record([exampleDetection({ passed: true, actual: 'running', at_s: NOON_S + 6 })]);
    expect(await site.over()).toMatchObject({ state: 'healed', id: command?.command_id });
    await Bun.sleep(20);
    expect(site.findings.find({ subject: SENSOR })).toMatchObject([{ closed_by: 'healing' }]);
  });

  test('that is only watched is told nothing, not even by an order', async () => {
    const site = await start('monitor_only');
    await site.findings.record([drift]);
    await Bun.sleep(50);
    expect(site.commands.pending(SENSOR)).toEqual([]);
    const body = {
      host: 'till-1',
      check_type: 'firewall',
      action: 'enable_firewall',
      params: {},
      by_whom: 'order 1',
    };
    await expect(site.ask('/heal', { method: 'POST', body })).rejects.toMatchObject({ code: 'HEALING_TIER' });
  });

  test('is healed by an order that names its host, and not while healing is off', async () => {
    const site = await start('self_heal');
    const off = { mode: 'off', reason: 'a test', by_whom: 'operator' };
    expect(await site.ask('/mode', { method: 'PUT', body: off })).toMatchObject({ mode: 'off' });
    await site.findings.record([drift]);
    const body = {
      host: 'till-1',
      check_type: 'firewall',
      action: 'enable_firewall',
      params: {},
      by_whom: 'order 1',
    };
    await expect(site.ask('/heal', { method: 'POST', body })).rejects.toMatchObject({ code: 'HEALING_OFF' });
    expect(site.commands.pending(SENSOR)).toEqual([]);
    await site.ask('/mode', { method: 'PUT', body: { ...off, mode: 'on' } });
    const { healing } = await site.ask<{ healing: Healing }>('/heal', { method: 'POST', body });
    expect(await site.ask(`/history/${healing.id}`)).toMatchObject({ rule_id: 'order', asked_by: 'order 1' });
    const wrong = { ...body, host: 'till-2' };
    await expect(site.ask('/heal', { method: 'POST', body: wrong })).rejects.toMatchObject({
      code: 'HEALING_SUBJECT_UNKNOWN',
    });
  });
});

test('rules of the coordinator come by the socket, and wrong ones are refused with the reason', async () => {
  const site = await startSite(nobody, run);
  const coordinator = testKey('coordinator');
  const keys = [
    { key_id: coordinator.key_id, public_key: Buffer.from(coordinator.public_key).toString('hex') },
  ];
  const set: RuleSet = {
    format: 1,
    version: 7,
    note: 'none',
    rules: [],
    switched_off: ['bh-linux-firewall'],
  };
  const body = { envelope: sealRuleSet(set, coordinator), keys };
  expect(await site.ask('/rules', { method: 'PUT', body })).toMatchObject({ changed: true, version: 7 });
  expect(await site.ask('/rules', { method: 'PUT', body })).toMatchObject({ changed: false, version: 7 });
  await expect(site.ask('/rules', { method: 'PUT', body: { ...body, keys: [] } })).rejects.toMatchObject({
    code: 'HEALING_RULES_UNTRUSTED',
  });
  const { rules } = await site.ask<{ rules: { rule: { id: string }; switched_off: boolean }[] }>('/rules');
  expect(rules.filter(({ switched_off }) => switched_off).map(({ rule }) => rule.id)).toEqual([
    'bh-linux-firewall',
  ]);
});

test('a person at a terminal sees how it is, what was done and by which rules, and switches it', async () => {
  const site = await startSite(nobody, run);
  const bulkhead = (...args: string[]) => heard((io) => runProgram(['healing', ...args], io));
  const asked = async (...args: string[]) => (await bulkhead(...args, '--socket', site.socket)).out;
  expect(await asked('dry-run', '--reason', 'new rules')).toMatch(
    /^healing is a dry run: nothing is done, .*new rules/,
  );
  await site.findings.record([exampleDetection({ subject: 'appliance', metadata: { state: 'fails' } })]);
  await site.over();
  expect(await asked('status')).toMatch(
    /^healing is a dry run.*\nrules +\d+ in use, none of a coordinator\n/,
  );
  expect(await asked('history')).toMatch(
    /appliance\) +firewall +apply_firewall +bh-appliance-firewall +1 +dry run/,
  );
  expect(await asked('rules')).toMatch(
    /bh-linux-firewall +on +linux +firewall +enable_firewall +self_heal +program/,
  );
  expect(JSON.parse(await asked('on', '--json'))).toMatchObject({ mode: 'on', by_whom: 'operator' });
  expect(await asked('reset', 'appliance', 'firewall')).toMatch(/it was not stopped/);
  const file = join(site.folder, 'rules.yaml');
  writeFileSync(file, 'rules: []\nswitched_off: [bh-linux-time]\n');
  expect((await bulkhead('check', file)).out).toMatch(/^0 rules can be published/);
  writeFileSync(file, 'rules: [{ id: x }]\n');
  expect(await bulkhead('check', file)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/HEALING_RULES_INVALID/),
  });
});

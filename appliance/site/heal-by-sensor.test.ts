import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { SiteTask } from '../../test/site/site-process.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { fetchExport } from '../evidence/fetch-export.ts';
import { verifyEvidence } from '../evidence/verify.ts';
import type { Finding } from '../findings/findings.ts';
import type { Healing } from '../healing/engine/healing-record.ts';
import {
  CAN_UNSHARE,
  inOwnNetwork,
  NFT_RULES,
  type OwnNetwork,
  shellMachine,
} from '../sensors/shell/lab/shell-machine.ts';
import { callSite } from './control/client.ts';

const HTTP_PORT = 8080;
const WAIT_MS = 20_000;

let network: OwnNetwork | undefined;
afterEach(async () => {
  await network?.end();
  network = undefined;
});

/** The whole service in a network of its own, with a machine that the shell sensor has been installed on. */
async function start(rules: string) {
  const folder = makeFolder('heal');
  const socket = join(folder, 'control.sock');
  const store = join(folder, 'store');
  mkdirSync(store);
  const task: SiteTask = { folder: store, socket, http_port: HTTP_PORT };
  const program = new URL('../../test/site/site-process.ts', import.meta.url).pathname;
  network = inOwnNetwork(program, { SITE_TASK: JSON.stringify(task) });
  await network.next();
  const body = { by: 'test', tier: 'self_heal' };
  const { code } = (await callSite('/v1/sensors/codes', { socket, method: 'POST', body })) as {
    code: string;
  };
  const machine = shellMachine({ pid: network.pid, url: `http://127.0.0.1:${HTTP_PORT}`, folder });
  expect(machine.install('--code', code)).toMatchObject({ status: 0 });
  writeFileSync(join(folder, 'nftables.conf'), rules);
  machine.set('nft_rules', join(folder, 'nftables.conf'));
  return {
    ...{ folder, socket, machine },
    findings: async () => ((await callSite('/v1/findings', { socket })) as { findings: Finding[] }).findings,
    /** Rounds of the sensor until a healing has ended. */
    async untilHealed(): Promise<Healing> {
      const late_ms = Date.now() + WAIT_MS;
      for (;;) {
        machine.round();
        const [last] = (await callSite('/v1/healing/history', { socket })) as Healing[];
        if (last && last.ended_s !== null) return last;
        if (Date.now() > late_ms) throw new Error(`no healing has ended: ${JSON.stringify(last ?? null)}`);
        await Bun.sleep(100);
      }
    },
    async kinds(): Promise<string[]> {
      const { records } = (await callSite('/v1/evidence/records?limit=50', { socket })) as {
        records: { kind: string }[];
      };
      return records.map(({ kind }) => kind).reverse();
    },
  };
}

describe.skipIf(!CAN_UNSHARE)('detection, finding, healing, second detection, evidence', () => {
  test('a stopped firewall is found, started, and seen to run; the evidence holds both looks', {
    timeout: 90_000,
  }, async () => {
    const site = await start(NFT_RULES);
    const healing = await site.untilHealed();
    expect(healing).toMatchObject({
      ...{ state: 'healed', action: 'enable_firewall', rule_id: 'bh-linux-firewall', attempt: 1 },
      seen: { passed: false, actual: 'nothing filters what comes in' },
      seen_again: { passed: true },
    });
    expect(site.machine.inside('nft', 'list', 'ruleset').stdout).toContain('policy drop');
    expect(await site.findings()).toMatchObject([
      { check_type: 'firewall', state: 'closed', closed_by: 'healing' },
    ]);
    const kinds = await site.kinds();
    for (const kind of [
      'sensor.admitted',
      'finding.opened',
      'healing.started',
      'healing.ended',
      'finding.closed',
    ])
      expect(kinds).toContain(kind);
    expect(kinds.indexOf('healing.started')).toBeLessThan(kinds.indexOf('healing.ended'));
    const file = join(site.folder, 'export.jsonl');
    await fetchExport({ file, socket: site.socket, kept: false });
    expect(await verifyEvidence(file, { device_keys: [], coordinator_keys: [] })).toMatchObject({
      whole: true,
    });
  });

  test('a healing that reports success and changes nothing is a failure', { timeout: 90_000 }, async () => {
    const site = await start('table inet nothing { }\n');
    const healing = await site.untilHealed();
    expect(healing).toMatchObject({
      ...{ claimed: true, seen: { passed: false }, seen_again: { passed: false } },
      state: expect.not.stringMatching(/^healed$/),
    });
    expect(await site.findings()).toMatchObject([{ check_type: 'firewall', state: 'open' }]);
  });
});

import { existsSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Subprocess, spawn } from 'bun';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runOrThrow } from '../../../../base/run.ts';
import { openLog } from '../../../../test/evidence/evidence-lab.ts';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { createFindings } from '../../../findings/findings.ts';
import { FINDINGS_PART } from '../../../findings/tables.ts';
import { createCommands } from '../../../sensors/commands/create-commands.ts';
import { COMMANDS_PART } from '../../../sensors/commands/results-table.ts';
import { createRegistry } from '../../../sensors/registry/registry.ts';
import { SENSORS_PART } from '../../../sensors/registry/tables.ts';
import { openSiteStore } from '../../../site/store/store.ts';
import { HEALING_PART } from '../../engine/tables.ts';
import { createHealing } from '../../healing.ts';
import { type SshServerLab, startSshServer } from '../lab/ssh-server.ts';
import { startTargets } from '../start-targets.ts';
import { createSshTarget } from './target.ts';

/** Root's files and a network namespace are needed, as in the tests of the firewall. */
const root = process.getuid?.() === 0;
const soon = () => AbortSignal.timeout(15_000);
const now = () => new Date();

describe.skipIf(!root)('a real firewall behind a real sshd', () => {
  let namespace: Subprocess;
  let server: SshServerLab;
  const target = () => createSshTarget(server.target(), now);

  beforeAll(async () => {
    const folder = makeFolder('heal');
    namespace = spawn(['unshare', '--net', 'sleep', '120'], { stdout: 'ignore', stderr: 'ignore' });
    const link = `/proc/${namespace.pid}/ns/net`;
    for (let tries = 0; tries < 100; tries += 1) {
      if (existsSync(link) && readlinkSync(link) !== readlinkSync('/proc/self/ns/net')) break;
      await Bun.sleep(20);
    }
    const rules = join(folder, 'nftables.conf');
    writeFileSync(
      rules,
      'flush ruleset\ntable inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n  iif lo accept\n }\n}\n',
    );
    // What the machine runs for a session runs in a network of its own: its rules are real, and nobody else's.
    server = await startSshServer(folder, {
      forced: `exec nsenter --net=${link} /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
      files: { '/etc/nftables.conf': rules },
    });
    server.standIn('systemctl', '[ "$1" = restart ] && exec nft -f /etc/nftables.conf; exit 0');
  });
  afterAll(async () => {
    await server.stop();
    namespace.kill('SIGKILL');
    await namespace.exited;
  });

  it('is found open, closed by the action, and found closed', async () => {
    expect(await target().detect('firewall', soon())).toMatchObject({
      passed: false,
      actual: 'everything that comes in is let through',
    });
    expect(await target().act('enable_firewall', {}, soon())).toMatchObject({ claimed: true });
    expect(await target().detect('firewall', soon())).toMatchObject({ passed: true, metadata: { nft: '1' } });
  });

  it('is found by the poller, healed by a rule of the program, and closed by the second look', async () => {
    server.standIn('systemctl', '[ "$1" = restart ] && exec nft -f /etc/nftables.conf; exit 0');
    await runOrThrow(run, 'nsenter', [`--net=/proc/${namespace.pid}/ns/net`, 'nft', 'flush', 'ruleset']);
    const folder = makeFolder('healed');
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    const store = openSiteStore({
      ...{ file: join(folder, 'site.db'), warn },
      parts: [FINDINGS_PART, SENSORS_PART, COMMANDS_PART, HEALING_PART],
    });
    const findings = createFindings({ store, now_ms: Date.now, warn });
    const evidence = await openLog(join(folder, 'evidence'));
    const registry = createRegistry({ store, now, warn });
    const commands = createCommands({ store, registry, now_ms: Date.now, warn });
    const config = server.target({ name: 'files', tier: 'self_heal', checks: ['firewall'], interval_s: 60 });
    const targets = await startTargets({ configs: [config], findings, now, warn, random: () => 0 });
    const healing = createHealing({
      ...{ store, findings, evidence, configured: 'on', now, warn, note: () => {} },
      ...{ machine: targets.machine, lookAtAppliance: () => Promise.reject(new Error('not asked')) },
      sensors: { find: registry.find, list: registry.list, commands },
    });
    const found = () => findings.find({ subject: 't-files', check_type: 'firewall' })[0];
    for (let tries = 0; found()?.state !== 'closed' && tries < 200; tries += 1) await Bun.sleep(50);
    expect(found()).toMatchObject({ state: 'closed', closed_by: 'healing' });
    const seen = findings.events({ subject: 't-files', check_type: 'firewall' });
    expect(seen.map(({ passed }) => passed)).toEqual([true, false]);
    await healing.stop();
    await targets.stop();
    findings.stop();
    await registry.stop();
    await evidence.stop();
    store.stop();
    expect([warnings, server.connections()]).toEqual([[], 0]);
  });

  it('is not believed to be closed because somebody says so', async () => {
    server.standIn('systemctl', 'exec nft flush ruleset');
    expect(await target().act('enable_firewall', {}, soon())).toMatchObject({ claimed: true });
    expect(await target().detect('firewall', soon())).toMatchObject({ passed: false });
  });
});

describe.skipIf(!root)('a machine that lets in by password', () => {
  let server: SshServerLab;
  beforeAll(async () => {
    server = await startSshServer(makeFolder('password'), { password: "it's a $secret" });
  });
  afterAll(() => server.stop());
  const target = (password: string) => createSshTarget(server.target({ key_file: null, password }), now);

  it('is looked at with the right one, and with no other', async () => {
    expect((await target("it's a $secret").detect('time', soon())).check_type).toBe('time');
    expect(server.log()).toContain('Accepted password');
    await expect(target('another').detect('time', soon())).rejects.toMatchObject({
      code: 'SSH_LOGIN_REFUSED',
    });
  });

  it('keeps its passwords while they are our only way in', async () => {
    const harden = target("it's a $secret").act('harden_ssh', {}, soon());
    await expect(harden).rejects.toMatchObject({ code: 'TARGET_ACTION_UNSAFE' });
  });
});

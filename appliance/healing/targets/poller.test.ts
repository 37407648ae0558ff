import { afterEach, describe, expect, it } from 'vitest';
import { BulkheadError } from '../../../base/errors.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { startWinrmServer } from '../../../test/winrm/winrm-server.ts';
import type { TargetConfig } from '../../config/schema-targets.ts';
import { completeTarget } from '../../config/target-entries.ts';
import type { Detection } from '../../findings/detection.ts';
import { freePort, startSshServer } from './lab/ssh-server.ts';
import { TARGETS_AT_ONCE_MAX } from './limits.ts';
import { ANSWERS, detectionsOf, REACHABLE } from './look-result.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { type DeclaredTarget, openTargets } from './open-targets.ts';
import { startPoller, type TargetPoller } from './poller.ts';
import type { Look, WatchedTarget } from './watched-target.ts';

const soon = () => AbortSignal.timeout(10_000);
const running: TargetPoller[] = [];
afterEach(async () => {
  for (const poller of running.splice(0)) await poller.stop();
});

function poll(targets: readonly DeclaredTarget[], record?: (list: readonly Detection[]) => Promise<unknown>) {
  const found: Detection[][] = [];
  const faults: string[] = [];
  const keep = async (list: readonly Detection[]) => found.push([...list]);
  const poller = startPoller({
    ...{ targets, now: () => new Date(), random: () => 0, record: record ?? keep },
    onFault: (words) => faults.push(words),
  });
  running.push(poller);
  return { poller, found, faults };
}
async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; !what() && tries < 300; tries += 1) await Bun.sleep(20);
  expect(what()).toBe(true);
}

/** A machine of which only the order of things matters. */
function timed(name: string, log: string[], duration_ms: number, interval_s = 0.05): DeclaredTarget {
  const config = completeTarget({ name, address: '192.0.2.1', way: 'ssh', interval_s }) as TargetConfig;
  const looks: Look[] = [];
  const target: WatchedTarget = {
    ...{ name, platform: 'linux' as const },
    detect: () => Promise.reject(new Error('not asked')),
    async act() {
      log.push(`${name} act`);
      await Bun.sleep(duration_ms);
      log.push(`${name} acted`);
      return { claimed: true, output: '' };
    },
    async detectAll() {
      log.push(`${name} begin`);
      await Bun.sleep(duration_ms);
      log.push(`${name} end`);
      return looks;
    },
    close: async () => {},
  };
  return { config, target: oneAtATime(target) };
}

describe('the poller', () => {
  it('looks at real machines: one that is in order by SSH, one by WinRM, one that is not there', async () => {
    const ssh = await startSshServer(makeFolder('poller'));
    const account = { user: 'scan', domain: 'CLINIC', password: 'secret' };
    const answer = JSON.stringify({ ok: true, value: { after_s: 60 } });
    const winrm = await startWinrmServer({ account, run: () => ({ stdout: answer }) });
    const entries = [
      ssh.target({ name: 'files', checks: ['time', 'disk'], interval_s: 60 }),
      completeTarget({
        ...{
          name: 'desk',
          address: '127.0.0.1',
          way: 'winrm',
          port: winrm.port,
          user: 'scan',
          password: 'secret',
        },
        checks: ['screenlock', 'defender'],
      }) as TargetConfig,
      ssh.target({ name: 'gone', port: await freePort() }),
    ];
    const targets = await openTargets(entries, { now: () => new Date(), onLeft: () => undefined });
    const { poller, found } = poll(targets);
    await until(() => found.length === 3);
    const of = (name: string) =>
      (found.find((list) => list[0]?.subject === `t-${name}`) ?? []).map(({ check_type, passed }) => [
        check_type,
        passed,
      ]);
    expect(of('files').map(([check]) => check)).toEqual([REACHABLE, ANSWERS, 'time', 'disk']);
    // What answers to Defender with the screen lock has no answer for Defender.
    expect(of('desk')).toEqual([
      [REACHABLE, true],
      [ANSWERS, false],
      ['screenlock', true],
    ]);
    expect(of('gone')).toEqual([[REACHABLE, false]]);
    const status = poller.status();
    expect(status.map(({ name, reachable }) => [name, reachable])).toEqual([
      ['files', true],
      ['desk', true],
      ['gone', false],
    ]);
    expect(status[2]).toMatchObject({ failing: [REACHABLE], way: 'ssh', tier: 'monitor_only' });
    await poller.stop();
    expect([ssh.connections(), winrm.connections(), winrm.service.shells.size]).toEqual([0, 0, 0]);
    await Promise.all([ssh.stop(), winrm.stop()]);
  });

  it('looks again and again, never twice at once at one machine, and at some machines at once', async () => {
    const log: string[] = [];
    const names = Array.from({ length: TARGETS_AT_ONCE_MAX + 2 }, (_, index) => `m${index}`);
    poll(names.map((name) => timed(name, log, 30)));
    await until(() => log.length > 60);
    let most = 0;
    const open = new Set<string>();
    for (const line of log) {
      const [name = '', what] = line.split(' ');
      if (what === 'begin') {
        expect(open.has(name), line).toBe(false);
        open.add(name);
      } else open.delete(name);
      most = Math.max(most, open.size);
    }
    expect(most).toBe(TARGETS_AT_ONCE_MAX);
    for (const name of names) expect(log.filter((line) => line === `${name} end`).length).toBeGreaterThan(2);
  });

  it('goes on when nothing can be recorded, and says so', async () => {
    const full = async () => {
      throw new BulkheadError('SITE_STORE_FULL', 'the store is full');
    };
    const log: string[] = [];
    const { faults } = poll([timed('m', log, 1)], full);
    await until(() => faults.length >= 2);
    expect(faults[0]).toContain('SITE_STORE_FULL');
  });

  it('ends in the middle of a look without a word about the machine', async () => {
    const log: string[] = [];
    const { poller, found } = poll([timed('m', log, 300, 60)]);
    await until(() => log.length === 1);
    await poller.stop();
    expect(log).toEqual(['m begin', 'm end']);
    expect(found).toEqual([]);
  });
});

describe('a machine', () => {
  it('is acted on and looked at in turn', async () => {
    const log: string[] = [];
    const { target } = timed('m', log, 20);
    const late = AbortSignal.timeout(1);
    // Who is told to stop does not wait for a turn.
    const all = [
      target.act('restart_time_sync', {}, soon()),
      target.detectAll(soon()),
      target.detectAll(late).catch(() => log.push('too late')),
      target.act('restart_time_sync', {}, soon()),
    ];
    await Promise.all(all);
    expect(log).toEqual(['m act', 'too late', 'm acted', 'm begin', 'm end', 'm act', 'm acted']);
  });

  it('that cannot be looked at says nothing about its checks', () => {
    const subject = { name: 'm', address: '192.0.2.1' };
    const error = new BulkheadError('SSH_HOST_KEY_DIFFERS', 'shows another key\n', { hint: 'compare' });
    const [only, ...more] = detectionsOf(subject, { looks: null, error }, () => new Date(1000));
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      ...{ subject: 't-m', check_type: REACHABLE, passed: false, severity: 'high', at_s: 1 },
      ...{ actual: 'SSH_HOST_KEY_DIFFERS: shows another key', metadata: { code: 'SSH_HOST_KEY_DIFFERS' } },
    });
  });
});

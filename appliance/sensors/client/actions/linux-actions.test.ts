import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Run, run } from '../../../../base/run.ts';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { takeReading } from '../checks/check.ts';
import { firewallCheck } from '../checks/linux/firewall.ts';
import { linuxActions } from './linux-actions.ts';

const SIGNAL = new AbortController().signal;

/** A systemd that knows these units and writes down what it is asked for. */
function systemd(units: readonly string[]) {
  const asked: string[] = [];
  const told: Run = async (program, args) => {
    asked.push([program, ...args].join(' '));
    const unit = args.at(-1) ?? '';
    if (args[0] === 'show')
      return { code: 0, stdout: `LoadState=${units.includes(unit) ? 'loaded' : 'not-found'}\n`, stderr: '' };
    if (args[0] === 'reset-failed' || !units.includes(unit))
      return { code: 1, stdout: '', stderr: `Unit ${unit} not loaded.` };
    return { code: 0, stdout: '', stderr: '' };
  };
  return { asked, told };
}

test('a service is started now and at every boot, and one that is not there is told', async () => {
  const { asked, told } = systemd(['cron.service']);
  const { act } = linuxActions(told);
  await act.start_service?.({ service: 'cron' }, SIGNAL);
  expect(asked).toEqual(['systemctl reset-failed -- cron.service', 'systemctl enable --now -- cron.service']);
  await expect(act.start_service?.({ service: 'x.timer' }, SIGNAL)).rejects.toThrow(
    'Unit x.timer not loaded',
  );
});

test('whoever keeps the clock is started again; without one it says what to install', async () => {
  const { asked, told } = systemd(['chrony.service']);
  await linuxActions(told).act.restart_time_sync?.({}, SIGNAL);
  expect(asked.slice(-2)).toEqual([
    'systemctl enable -- chrony.service',
    'systemctl restart -- chrony.service',
  ]);
  await expect(linuxActions(systemd([]).told).act.restart_time_sync?.({}, SIGNAL)).rejects.toMatchObject({
    ...{ code: 'SENSOR_ACTION_IMPOSSIBLE', hint: expect.stringContaining('chrony') },
  });
});

test.skipIf(process.getuid?.() !== 0)(
  'a firewall that was stopped holds back again, on a real kernel',
  async () => {
    const root = makeFolder('firewall');
    mkdirSync(join(root, 'etc'));
    const rules = join(root, 'etc/nftables.conf');
    writeFileSync(
      rules,
      'table inet f {\nchain in {\ntype filter hook input priority 0; policy drop;\n}\n}\n',
    );
    const keeper = Bun.spawn(['unshare', '--net', 'sleep', '60'], { stdout: 'ignore', stderr: 'ignore' });
    const space = (of: number | string) =>
      run('readlink', [`/proc/${of}/ns/net`]).then(({ stdout }) => stdout);
    const { told, asked } = systemd(['nftables.service']);
    const inNamespace: Run = (program, args, options) =>
      program === 'systemctl'
        ? told(program, args, options)
        : run('nsenter', [`--net=/proc/${keeper.pid}/ns/net`, program, ...args], options);
    try {
      // unshare(2) comes a moment after the process.
      while ((await space(keeper.pid)) === (await space('self'))) await Bun.sleep(20);
      const context = { run: inNamespace, root, now_ms: Date.now, settings: {} };
      expect(await takeReading(firewallCheck, context)).toMatchObject({ passed: false });
      const { enable_firewall } = linuxActions(inNamespace, root).act;
      await enable_firewall?.({}, SIGNAL);
      expect(await takeReading(firewallCheck, context)).toMatchObject({ passed: true });
      expect(asked).toEqual(['systemctl enable nftables.service']);
      // A file with an error changes nothing.
      writeFileSync(
        rules,
        'flush ruleset\ntable inet f {\nchain in {\ntype filter hook nowhere priority 0;\n}\n}\n',
      );
      await expect(enable_firewall?.({}, SIGNAL)).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
      expect(await takeReading(firewallCheck, context)).toMatchObject({ passed: true });
    } finally {
      keeper.kill();
    }
  },
);

test('without any firewall it says what to install', async () => {
  const { enable_firewall } = linuxActions(run, makeFolder('bare')).act;
  await expect(enable_firewall?.({}, SIGNAL)).rejects.toMatchObject({ code: 'SENSOR_ACTION_IMPOSSIBLE' });
});

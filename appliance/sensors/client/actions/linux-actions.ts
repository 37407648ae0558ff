import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../../../base/errors.ts';
import { type Run, runOrThrow } from '../../../../base/run.ts';
import type { SensorActions } from '../sdk/heal-command.ts';

/** Who keeps the clock, the usual one first. */
const TIME_SERVICES = ['systemd-timesyncd', 'chrony', 'chronyd', 'ntpsec', 'ntp', 'ntpd'];

/** Who may be in charge of the firewall: the file that says so, and how it is switched on. */
const FIREWALLS: readonly {
  mark: string;
  commands: (mark: string) => readonly (readonly [string, ...string[]])[];
}[] = [
  { mark: 'usr/sbin/ufw', commands: (ufw) => [[ufw, '--force', 'enable']] },
  { mark: 'usr/sbin/firewalld', commands: () => [['systemctl', 'enable', '--now', 'firewalld.service']] },
  {
    mark: 'etc/nftables.conf',
    // Checked as a whole before it is loaded: a file with an error in it must not leave half a firewall.
    commands: (rules) => [
      ['nft', '--check', '--file', rules],
      ['nft', '--file', rules],
      ['systemctl', 'enable', 'nftables.service'],
    ],
  },
];

/** What the sensor can do on Linux. @param root where the file system of the machine begins */
export function linuxActions(run: Run, root = '/'): SensorActions {
  const systemctl = (...args: string[]) => runOrThrow(run, 'systemctl', args);
  return {
    platform: 'linux',
    act: {
      start_service: async ({ service = '' }) => {
        const unit = service.includes('.') ? service : `${service}.service`;
        await systemctl('reset-failed', '--', unit).catch(() => undefined); // Only what has failed can be forgiven.
        await systemctl('enable', '--now', '--', unit);
        return `${unit} was enabled and started`;
      },
      restart_time_sync: async () => {
        for (const service of TIME_SERVICES) {
          const { stdout } = await run('systemctl', [
            'show',
            '--property=LoadState',
            '--',
            `${service}.service`,
          ]);
          if (!stdout.includes('LoadState=loaded')) continue;
          await systemctl('enable', '--', `${service}.service`);
          await systemctl('restart', '--', `${service}.service`);
          return `${service}.service was restarted`;
        }
        throw new BulkheadError('SENSOR_ACTION_IMPOSSIBLE', 'no service that keeps the clock is installed', {
          hint: 'install systemd-timesyncd or chrony',
        });
      },
      enable_firewall: async () => {
        const firewall = FIREWALLS.find(({ mark }) => existsSync(join(root, mark)));
        if (firewall === undefined)
          throw new BulkheadError(
            'SENSOR_ACTION_IMPOSSIBLE',
            'there is no firewall that could be switched on',
            {
              hint: 'install ufw or firewalld, or write /etc/nftables.conf',
            },
          );
        const done: string[] = [];
        for (const [program, ...args] of firewall.commands(join(root, firewall.mark)))
          done.push(`${program} ${args.join(' ')}\n${await runOrThrow(run, program, args)}`.trim());
        return done.join('\n');
      },
    },
  };
}

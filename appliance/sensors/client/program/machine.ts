import { existsSync, readFileSync } from 'node:fs';
import { hostname, networkInterfaces, release, version } from 'node:os';
import { run } from '../../../../base/run.ts';
import type { RMMAgent } from '../../../../protocol/sensors/generated/compliance.ts';
import { linuxActions } from '../actions/linux-actions.ts';
import { windowsActions } from '../actions/windows-actions.ts';
import { type CheckContext, takeReading } from '../checks/check.ts';
import { LINUX_CHECKS } from '../checks/linux/linux-checks.ts';
import { windowsPowerShell } from '../checks/windows/powershell.ts';
import { findAgents } from '../checks/windows/remote-management.ts';
import { windowsChecks } from '../checks/windows/windows-checks.ts';
import type { SensorActions } from '../sdk/heal-command.ts';
import type { MachineFacts } from '../sdk/registration.ts';
import type { SensorCheck } from '../sdk/sensor.ts';
import { type InstalledSoftware, linuxSoftware, windowsSoftware } from './installed-software.ts';
import { SENSOR_VERSION } from './sensor-version.ts';

/** What the reference sensor has for the machine it runs on. */
export interface Machine {
  checks: readonly SensorCheck[];
  actions: SensorActions;
  /** Remote management that was found by the last check, once each time it changed. */
  remote: () => readonly RMMAgent[] | null;
  /** What is installed. */
  software: InstalledSoftware;
}

export function thisMachine(platform: NodeJS.Platform = process.platform): Machine {
  const context = { run, root: '/', now_ms: Date.now };
  if (platform !== 'win32') {
    const checks = LINUX_CHECKS.map((check) =>
      toSensorCheck(check.check_type, (settings) => takeReading(check, { ...context, settings })),
    );
    return { checks, actions: linuxActions(run), remote: () => null, software: () => linuxSoftware(run) };
  }
  const ask = windowsPowerShell(run, process.env);
  let found: readonly RMMAgent[] = [];
  let told = '[]';
  const checks = windowsChecks(ask).map((check) =>
    toSensorCheck(check.check_type, async (settings) => {
      if (check.check_type === 'rmm') found = await findAgents(ask).catch(() => found); // The check itself says why.
      return takeReading(check, { ...context, settings } satisfies CheckContext);
    }),
  );
  return {
    checks,
    actions: windowsActions(ask),
    software: () => windowsSoftware(ask),
    remote: () => {
      const now = JSON.stringify(found);
      if (now === told) return null;
      told = now;
      return found;
    },
  };
}

function toSensorCheck(check_type: string, look: SensorCheck['look']): SensorCheck {
  return { check_type, look };
}

/** What the machine says of itself when it registers. */
export function machineFacts(): MachineFacts {
  const cards = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const card = cards.find(({ internal, mac }) => !internal && mac !== '00:00:00:00:00:00');
  return {
    hostname: hostname(),
    os_version: osVersion(),
    agent_version: SENSOR_VERSION,
    mac_address: card?.mac ?? '',
  };
}

/** `Debian GNU/Linux 12 (bookworm)`, `Windows 11 Pro 10.0.22631` */
function osVersion(): string {
  const file = '/etc/os-release';
  const pretty = existsSync(file)
    ? /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync(file, 'utf8'))?.[1]
    : undefined;
  return pretty ?? `${version()} ${release()}`;
}

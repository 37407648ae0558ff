import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import { SITE_CONTROL_SOCKET } from '../../base/paths.ts';
import { CAPABILITY_TIERS, type CapabilityTier } from '../../protocol/healing/tier.ts';
import type { Waiting } from '../sensors/admission/admission.ts';
import type { NewCode, SensorList } from '../sensors/control.ts';
import type { Sensor } from '../sensors/registry/sensor.ts';
import type { RegisterCommand } from './command.ts';
import { registerSensorPrograms } from './sensor-programs.ts';

interface Asked {
  json?: true;
  socket: string;
}

/** The least: whoever needs more is given it by name. */
const TIER_DEFAULT: CapabilityTier = 'monitor_only';

/** `bulkhead sensors`: which programs on other machines report to this appliance, and who is let in. */
export const registerSensors: RegisterCommand = (program, io) => {
  const sensors = program
    .command('sensors')
    .description('sensors on other machines: who is in, who is let in, what they may do (root)')
    .addHelpText(
      'after',
      `
A sensor is let in by a one-time code that it brings, or by its fingerprint when it waits. What it may be told to do is its tier:
monitor_only nothing, self_heal what cannot do harm, full_remediation the whole list of actions.

Examples:
  sudo bulkhead sensors code --tier self_heal
  sudo bulkhead sensors waiting
  sudo bulkhead sensors admit 1a2b3c4d --tier self_heal
  sudo bulkhead sensors revoke s-0123456789abcdef
  sudo bulkhead sensors program add bulkhead-sensor-linux-x64`,
    );
  registerShow(sensors, io);
  registerAdmission(sensors, io);
  registerChanges(sensors, io);
  registerSensorPrograms(sensors, io);
};

function registerShow(sensors: Command, io: CommandIo): void {
  asking(sensors, 'list', 'who is in, revoked ones included', { isDefault: true }).action(
    async ({ json, socket }: Asked) => {
      const { listText } = await import('../sensors/present.ts');
      const list = (await ask('/v1/sensors', socket)) as SensorList;
      printFacts(io, json, list.sensors, () => listText(list));
    },
  );
  asking(sensors, 'show <sensor>', 'everything about one').action(
    async (id: string, { json, socket }: Asked) => {
      const { sensorText } = await import('../sensors/present.ts');
      const sensor = (await ask(`/v1/sensors/${encodeURIComponent(id)}`, socket)) as Sensor;
      printFacts(io, json, sensor, () => sensorText(sensor));
    },
  );
  asking(sensors, 'software <sensor>', 'what is installed on the machine of one, as it says').action(
    async (id: string, { json, socket }: Asked) => {
      const programs = (await ask(`/v1/sensors/${encodeURIComponent(id)}/software`, socket)) as string[];
      printFacts(io, json, programs, () => programs.join('\n') || 'it named nothing');
    },
  );
  asking(sensors, 'waiting', 'who waits to be let in').action(async ({ json, socket }: Asked) => {
    const { waitingText } = await import('../sensors/present.ts');
    const { waiting } = (await ask('/v1/sensors', socket)) as SensorList;
    printFacts(io, json, waiting, () => waitingText(waiting));
  });
}

function registerAdmission(sensors: Command, io: CommandIo): void {
  asking(sensors, 'code', 'make a one-time code; it is good for one sensor and a day')
    .option(
      '--tier <tier>',
      `what that sensor may be told to do: ${CAPABILITY_TIERS.join(', ')}`,
      TIER_DEFAULT,
    )
    .action(async ({ json, socket, tier }: Asked & { tier: string }) => {
      const { codeText } = await import('../sensors/present.ts');
      const body = { by: userName(), tier: readTier(tier) };
      const made = (await ask('/v1/sensors/codes', socket, body)) as NewCode;
      printFacts(io, json, made, () => codeText(made));
    });
  asking(sensors, 'admit <fingerprint>', 'let in the one that waits under this fingerprint, at its next try')
    .option('--tier <tier>', `what it may be told to do: ${CAPABILITY_TIERS.join(', ')}`, TIER_DEFAULT)
    .action(async (fingerprint: string, { json, socket, tier }: Asked & { tier: string }) => {
      const body = { way: 'operator', tier: readTier(tier) };
      const path = `/v1/sensors/waiting/${encodeURIComponent(fingerprint)}/admit`;
      const waiting = (await ask(path, socket, body)) as Waiting;
      printFacts(
        io,
        json,
        waiting,
        () => `${waiting.hostname} (${waiting.fingerprint}) is let in at its next try`,
      );
    });
  asking(sensors, 'refuse <fingerprint>', 'refuse the one that waits under this fingerprint').action(
    async (fingerprint: string, { json, socket }: Asked) => {
      const path = `/v1/sensors/waiting/${encodeURIComponent(fingerprint)}/refuse`;
      const waiting = (await ask(path, socket, { by: userName() })) as Waiting;
      printFacts(io, json, waiting, () => `${waiting.hostname} (${waiting.fingerprint}) is refused`);
    },
  );
}

function registerChanges(sensors: Command, io: CommandIo): void {
  asking(sensors, 'revoke <sensor>', 'put one out for good, at once').action(
    async (id: string, { json, socket }: Asked) => {
      const path = `/v1/sensors/${encodeURIComponent(id)}/revoke`;
      const sensor = (await ask(path, socket, { by: userName() })) as Sensor;
      printFacts(io, json, sensor, () => `${sensor.id} (${sensor.hostname}) is revoked`);
    },
  );
  asking(
    sensors,
    'tier <sensor> <tier>',
    `what one may be told to do: ${CAPABILITY_TIERS.join(', ')}`,
  ).action(async (id: string, tier: string, { json, socket }: Asked) => {
    const body = { by: userName(), tier: readTier(tier) };
    const sensor = (await ask(`/v1/sensors/${encodeURIComponent(id)}/tier`, socket, body)) as Sensor;
    printFacts(io, json, sensor, () => `${sensor.id} (${sensor.hostname}) is ${sensor.tier}`);
  });
}

function asking(
  parent: Command,
  name: string,
  description: string,
  options: { isDefault?: boolean } = {},
): Command {
  return parent
    .command(name, options)
    .description(description)
    .option('--socket <path>', 'the socket that the service answers on', SITE_CONTROL_SOCKET)
    .option('--json', 'print facts as JSON');
}

/** It is the same program that answers: no other schema than its own. */
async function ask(path: string, socket: string, body?: unknown): Promise<unknown> {
  const { callSite } = await import('../site/control/client.ts');
  return callSite(path, body === undefined ? { socket } : { socket, method: 'POST', body });
}

function readTier(text: string): CapabilityTier {
  const tier = CAPABILITY_TIERS.find((known) => known === text);
  if (tier !== undefined) return tier;
  throw new BulkheadError('SENSOR_TIER_UNKNOWN', `there is no tier '${text}'`, {
    hint: `one of ${CAPABILITY_TIERS.join(', ')}`,
  });
}

/** Who types this, for the record: behind sudo the one who called it. */
function userName(): string {
  return process.env['SUDO_USER'] ?? userInfo().username;
}

import { BulkheadError, describeError } from '../../../base/errors.ts';
import { tierAllows } from '../../../protocol/healing/tier.ts';
import { ACTION_NAMES, actionFacts } from '../../healing/actions.ts';
import type { SiteStore } from '../../site/store/store.ts';
import type { Sensor } from '../registry/sensor.ts';
import type { CommandResult, HealCommand, SensorCommands } from './commands.ts';
import { HAND_OUT_S, PENDING_PER_SENSOR_MAX } from './limits.ts';
import { insertResult, resultId } from './results-table.ts';

export interface CommandsParts {
  /** With the table of COMMANDS_PART. */
  store: SiteStore;
  registry: { find(id: string): Sensor | null };
  now_ms: () => number;
  /** Told what went wrong where nobody waits for an answer. */
  warn: (message: string) => void;
}

interface Waiting {
  command: HealCommand;
  until_ms: number;
}

/**
 * What waits is kept in memory alone: whoever gave a command has it on record, and gives it again when this process was ended in
 * between. The same command twice is one.
 */
export function createCommands({ store, registry, now_ms, warn }: CommandsParts): SensorCommands {
  const waiting = new Map<string, Waiting[]>();
  const resultListeners = new Set<(result: CommandResult) => void>();
  const giveListeners = new Set<(sensor: string) => void>();

  /** What is over is let go of whenever somebody looks. */
  const current = (sensor: string): Waiting[] => {
    const list = (waiting.get(sensor) ?? []).filter(({ until_ms }) => until_ms > now_ms());
    if (list.length === 0) waiting.delete(sensor);
    else waiting.set(sensor, list);
    return list;
  };
  return {
    give(id, command) {
      const sensor = registry.find(id);
      const refusal = refusalOf(sensor, id, command);
      if (refusal) throw refusal;
      const list = current(id).filter((other) => other.command.command_id !== command.command_id);
      if (list.length >= PENDING_PER_SENSOR_MAX)
        throw new BulkheadError('SENSOR_COMMANDS_FULL', `${list.length} commands wait for ${id} already`, {
          hint: 'it does not come for them: look at the machine',
        });
      const until_ms = now_ms() + (HAND_OUT_S + command.timeout_s) * 1000;
      waiting.set(id, [...list, { command, until_ms }]);
      for (const listener of giveListeners) listener(id);
    },
    pending(id) {
      const sensor = registry.find(id);
      // The tier may have been lowered, and the sensor revoked, since the command was given.
      return current(id)
        .map(({ command }) => command)
        .filter((command) => refusalOf(sensor, id, command) === null);
    },
    async result(result) {
      const event_id = resultId(result);
      const first = await store.write(
        (file) => insertResult(file, event_id, result, now_ms()),
        JSON.stringify(result).length,
      );
      const left = current(result.sensor).filter(({ command }) => command.command_id !== result.command_id);
      waiting.set(result.sensor, left);
      if (first)
        for (const listener of resultListeners)
          try {
            listener(result);
          } catch (error) {
            warn(`whoever was told of the result of ${result.command_id} failed: ${describeError(error)}`);
          }
      return { event_id, first };
    },
    onResult(listener) {
      resultListeners.add(listener);
      return () => resultListeners.delete(listener);
    },
    onGiven(listener) {
      giveListeners.add(listener);
      return () => giveListeners.delete(listener);
    },
  };
}

/** Why a sensor must not have a command; null: it may. The tier is held to the letter. Pure. */
function refusalOf(sensor: Sensor | null, id: string, { action }: HealCommand): BulkheadError | null {
  if (sensor === null) return new BulkheadError('SENSOR_UNKNOWN', `there is no sensor ${id}`);
  if (sensor.revoked_at !== null)
    return new BulkheadError('SENSOR_REVOKED', `${id} was revoked at ${sensor.revoked_at}`);
  const name = ACTION_NAMES.find((known) => known === action);
  if (name === undefined)
    return new BulkheadError('SENSOR_ACTION', `${action} is no action that a sensor may be told`);
  const { platforms, tier } = actionFacts(name);
  // The appliance's own actions change the appliance.
  if (platforms.every((platform) => platform === 'appliance'))
    return new BulkheadError('SENSOR_ACTION', `${action} is an action of the appliance alone`);
  if (tierAllows(sensor.tier, tier)) return null;
  return new BulkheadError('SENSOR_TIER', `${id} is ${sensor.tier}, and ${action} needs ${tier}`, {
    hint: `'bulkhead sensors tier ${id} ${tier}' allows it`,
  });
}

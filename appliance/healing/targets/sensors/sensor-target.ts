import type { Detection } from '../../../findings/detection.ts';
import type { Findings } from '../../../findings/findings.ts';
import type { CommandResult, SensorCommands } from '../../../sensors/commands/commands.ts';
import { sensorPresence } from '../../../sensors/registry/presence.ts';
import type { Sensor } from '../../../sensors/registry/sensor.ts';
import { actionFacts, type Platform } from '../../actions.ts';
import type { SubjectFacts } from '../../decide/decide.ts';
import { SENSOR_LOOK_TIMEOUT_S } from '../../limits.ts';
import type { OpenedTarget } from '../../target.ts';

/** What a rule has to know about a sensor. Pure. */
export function sensorFacts(sensor: Sensor | null, now_ms: number): SubjectFacts | null {
  if (sensor === null || sensor.revoked_at !== null) return null;
  const { os_version, tier } = sensor;
  const platform: Platform = /windows/i.test(os_version) ? 'windows' : 'linux';
  return { platform, tier, reachable: sensorPresence(sensor, now_ms) === 'live' };
}

export interface SensorTargetParts {
  sensor: Sensor;
  platform: Platform;
  healing: { id: string; check_type: string };
  commands: SensorCommands;
  findings: Pick<Findings, 'onDetection'>;
}

/**
 * A sensor as a target: it is given a command and comes for it by itself, and looks by itself. The second look is the next detection
 * of the same check that it sends behind its result and that was made then or later, by its own clock.
 */
export function sensorTarget({
  sensor,
  platform,
  healing,
  commands,
  findings,
}: SensorTargetParts): OpenedTarget {
  const { id: command_id, check_type } = healing;
  const ended = Promise.withResolvers<CommandResult>();
  const looked = Promise.withResolvers<Detection>();
  let result: CommandResult | null = null;
  /** Whether what comes now was sent behind the end of the action. */
  let behind = false;
  const ends = [
    commands.onResult((told) => {
      if (told.command_id !== command_id || told.sensor !== sensor.id) return;
      result = told;
      behind = true;
      ended.resolve(told);
    }),
    findings.onDetection((detection) => {
      if (detection.subject !== sensor.id || detection.check_type !== check_type || !behind) return;
      if (isSecondLook(detection, result)) looked.resolve(detection);
    }),
  ];
  return {
    ...{ name: sensor.id, platform, looks: 'by_itself', look_timeout_s: SENSOR_LOOK_TIMEOUT_S },
    async act(action, params) {
      const { timeout_s } = actionFacts(action);
      commands.give(sensor.id, { command_id, check_type, action, params, timeout_s });
      const { success, error_message, artifacts } = await ended.promise;
      const output = success
        ? Object.entries(artifacts).map(([name, value]) => `${name}: ${value}`)
        : [error_message];
      return { claimed: success, output: output.join('\n') };
    },
    async settled(signal) {
      const waits = () => commands.pending(sensor.id).some((command) => command.command_id === command_id);
      // What does not wait any more has a result, which was told to a process before this one, or its time is over.
      if (waits()) await Promise.race([ended.promise, aborted(signal)]);
      behind = true;
    },
    async detect() {
      behind = true;
      return looked.promise;
    },
    async close() {
      for (const end of ends) end();
    },
  };
}

/**
 * Times are whole seconds: what was seen in the second of the end may have been seen before it. A check that failed then is no answer
 * yet; one that passed had failed before and is.
 */
function isSecondLook(detection: Detection, result: CommandResult | null): boolean {
  if (result === null) return true;
  return detection.passed ? detection.at_s >= result.at_s : detection.at_s > result.at_s;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

import { BulkheadError } from '../../../base/errors.ts';
import type {
  DriftEvent,
  HealingResult,
  HeartbeatRequest,
  RegisterRequest,
  RMMStatusReport,
} from '../../../protocol/sensors/generated/compliance.ts';
import { assertDetection, type Detection, SEVERITIES } from '../../findings/detection.ts';
import type { CommandResult } from '../commands/commands.ts';
import type { Heard } from '../registry/registry.ts';
import type { Sensor } from '../registry/sensor.ts';
import {
  ARTIFACT_MAX,
  ARTIFACTS_MAX,
  ERROR_MESSAGE_MAX,
  PROGRAMS_MAX,
  SOFTWARE_MAX,
  TEXT_MAX,
} from './limits.ts';

/** What sensors say, parsed at the border. All throw BulkheadError SENSOR_FIELD, DETECTION_INVALID or SENSOR_IDENTITY, naming the field. */

export function readRegister(message: RegisterRequest): RegisterRequest {
  text('hostname', message.hostname);
  text('os_version', message.os_version);
  text('agent_version', message.agent_version);
  text('mac_address', message.mac_address);
  if (message.hostname === '') throw field('hostname', 'it is empty');
  if (message.installed_software.length > SOFTWARE_MAX)
    throw field('installed_software', `more than ${SOFTWARE_MAX} entries`);
  for (const name of message.installed_software) text('installed_software', name);
  return message;
}

export function readDrift(event: DriftEvent, sensor: Sensor): Detection {
  isOwn(event.agent_id, sensor);
  const said = event.metadata['severity'];
  const detection: Detection = {
    subject: sensor.id,
    hostname: event.hostname || sensor.hostname,
    check_type: event.check_type,
    passed: event.passed,
    expected: event.expected,
    actual: event.actual,
    control: event.hipaa_control || null,
    // The message has no field for it; who wants to say it does so in the metadata.
    severity: SEVERITIES.find((severity) => severity === said) ?? (event.passed ? 'info' : 'medium'),
    at_s: event.timestamp,
    metadata: event.metadata,
  };
  assertDetection(detection);
  return detection;
}

/** Which programs for remote management are there is an observation; whether they may be is for rules and people to say. */
export function readRmm(report: RMMStatusReport, sensor: Sensor): Detection {
  isOwn(report.agent_id, sensor);
  const programs = report.detected_agents;
  if (programs.length > PROGRAMS_MAX) throw field('detected_agents', `more than ${PROGRAMS_MAX} entries`);
  for (const { name, version, service_name } of programs) {
    if (name === '') throw field('detected_agents.name', 'it is empty');
    for (const value of [name, version, service_name]) text('detected_agents', value, 64);
  }
  const words = programs.map(({ name, version, running }) =>
    [name, version, running ? 'running' : 'stopped'].filter(Boolean).join(' '),
  );
  const detection: Detection = {
    subject: sensor.id,
    hostname: report.hostname || sensor.hostname,
    check_type: 'rmm',
    ...{ passed: true, expected: '', control: null, severity: 'info' },
    actual: words.join(', ').slice(0, 2_000),
    at_s: report.timestamp,
    metadata: Object.fromEntries(
      programs.map(({ service_name, ...rest }, index) => [
        `program_${index}`,
        JSON.stringify({ ...rest, service_name }),
      ]),
    ),
  };
  assertDetection(detection);
  return detection;
}

export function readHealing(message: HealingResult, sensor: Sensor): CommandResult {
  isOwn(message.agent_id, sensor);
  const { command_id, check_type, success, error_message, timestamp, artifacts } = message;
  text('command_id', command_id);
  text('check_type', check_type);
  text('error_message', error_message, ERROR_MESSAGE_MAX, true);
  const entries = Object.entries(artifacts);
  if (entries.length > ARTIFACTS_MAX) throw field('artifacts', `more than ${ARTIFACTS_MAX} entries`);
  for (const [name, value] of entries) {
    text('artifacts', name);
    text('artifacts', value, ARTIFACT_MAX, true);
  }
  if (timestamp < 0) throw field('timestamp', 'it is before 1970');
  return { command_id, sensor: sensor.id, check_type, success, error_message, at_s: timestamp, artifacts };
}

export function readHeartbeat(message: HeartbeatRequest, sensor: Sensor): Heard {
  isOwn(message.agent_id, sensor);
  const { drift_count, healing_count, agent_version } = message;
  text('agent_version', agent_version);
  if (drift_count < 0) throw field('drift_count', 'it is negative');
  if (healing_count < 0) throw field('healing_count', 'it is negative');
  return { drift_count, healing_count, agent_version: agent_version || null };
}

/** The certificate is who it is. A message that names another is a mix-up that must not be recorded under either. */
function isOwn(agent_id: string, { id }: Sensor): void {
  if (agent_id === '' || agent_id === id) return;
  throw new BulkheadError('SENSOR_IDENTITY', `agent_id: the certificate is that of ${id}`, {
    hint: 'leave agent_id empty, or send the one that Register gave with this certificate',
  });
}

function text(name: string, value: string, length_max = TEXT_MAX, lines = false): void {
  if (value.length > length_max) throw field(name, `more than ${length_max} characters`);
  // What is shown on a terminal and on the page carries no control sequences.
  if (/\p{Cc}/u.test(lines ? value.replace(/[\n\r\t]/g, '') : value))
    throw field(name, 'it has control characters');
}

function field(name: string, why: string): BulkheadError {
  return new BulkheadError('SENSOR_FIELD', `${name}: ${why}`);
}

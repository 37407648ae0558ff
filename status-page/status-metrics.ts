import { Counter, Gauge, Registry } from 'prom-client';
import { UPDATE_STATES } from '../base/update-states.ts';
import { LINK_STATES, type LinkSection } from './link-section.ts';
import { COORDINATOR_STAGES, type Status } from './status.ts';
import { UPDATE_OUTCOMES } from './update-section.ts';
import { ratio } from './view.ts';

type Labels = Record<string, string>;
type Sample = [value: number | boolean | null, labels?: Labels];

/**
 * The status as Prometheus metrics. What is not known has no sample: 0 would be a claim.
 * Names follow the Prometheus conventions (base units, unit at the end, `_total` only for counters).
 *
 * @param status null when it could not be read: then only `bulkhead_up 0` is told
 */
export function statusMetrics(status: Status | null): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, samples: Sample[]) => {
    const known = samples.filter(([value]) => value !== null);
    if (known.length === 0) return;
    const labelNames = [...new Set(known.flatMap(([, labels]) => Object.keys(labels ?? {})))];
    const metric = new Gauge({ name: `bulkhead_${name}`, help, labelNames, registers: [registry] });
    for (const [value, labels] of known) metric.set(labels ?? {}, Number(value));
  };
  gauge('up', '1 when the agent could tell the state of the appliance.', [[status !== null]]);
  if (status === null) return registry;
  aboutBoot(status, gauge);
  aboutSystem(status, gauge);
  aboutNetwork(status, gauge);
  aboutServices(status, gauge);
  aboutSecrets(status, gauge);
  aboutUpdates(status.update, gauge);
  const ended = new Counter({
    name: 'bulkhead_updates_total',
    help: 'Updates that ended, as far as the history goes back.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  for (const outcome of UPDATE_OUTCOMES) ended.inc({ outcome }, status.update.ended[outcome].count);
  return registry;
}

type AddGauge = (name: string, help: string, samples: Sample[]) => void;

/** One sample per possible value, 1 for the one that holds: the usual way to show a state to Prometheus. */
function oneOf(label: string, values: readonly string[], actual: string, more: Labels = {}): Sample[] {
  return values.map((value) => [value === actual, { ...more, [label]: value }]);
}

function seconds(iso: string | null | undefined): number | null {
  return iso ? Date.parse(iso) / 1000 : null;
}

const SLOT_STATES = ['active', 'trial', 'standby', 'bad', 'empty'];
const SERVICE_STATES = ['running', 'done', 'starting', 'failed', 'stopped'];

function aboutBoot({ identity, version, boot, slots, health }: Status, gauge: AddGauge): void {
  gauge('identity_info', 'Who this appliance is.', [
    [
      1,
      {
        hostname: identity.hostname,
        site_id: identity.siteId ?? '',
        device_id: identity.deviceId ?? '',
        product: identity.product ?? '',
      },
    ],
  ]);
  gauge('version_info', 'What this boot runs.', [[1, { ...version, revision: version.revision ?? '' }]]);
  gauge(
    'slot_state',
    'State of each slot.',
    slots.flatMap((each) => oneOf('state', SLOT_STATES, each.state, { slot: each.slot })),
  );
  gauge(
    'slot_running',
    '1 for the slot this boot runs from.',
    slots.map((each) => [each.running, { slot: each.slot }]),
  );
  gauge(
    'slot_info',
    'Image in each slot.',
    slots.flatMap((each): Sample[] =>
      each.version === null
        ? []
        : [[1, { slot: each.slot, version: each.version, root_hash: each.rootHash ?? '' }]],
    ),
  );
  gauge('boot_attempt', 'Which attempt to boot this slot this is.', [[boot.attempt]]);
  gauge('boot_attempts_max', 'Attempts a slot has.', [[boot.maxAttempts]]);
  gauge('boot_mode', 'Kind of boot.', oneOf('mode', ['normal', 'trial', 'rescue', 'live'], boot.mode));
  gauge('boot_state_ok', '1 when the sector with the boot state could be read and is whole.', [
    [boot.stateFile === 'ok'],
  ]);
  gauge('slot_contradiction', '1 when the sources disagree about the running slot.', [
    [boot.contradiction !== null],
  ]);
  gauge(
    'health',
    'Verdict on this boot.',
    oneOf('outcome', ['healthy', 'unhealthy', 'pending'], health.outcome),
  );
  const latest = health.verdicts[0];
  gauge('verdict_timestamp_seconds', 'When the latest verdict was given.', [[seconds(latest?.at)]]);
  gauge(
    'check_passed',
    'Checks of the latest verdict: 1 passed, 0 failed; skipped ones are absent.',
    (latest?.checks ?? []).map((check) => [
      check.outcome === 'skipped' ? null : check.outcome === 'pass',
      { check: check.name, decisive: String(check.decisive) },
    ]),
  );
}

function aboutSystem({ system, time }: Status, gauge: AddGauge): void {
  gauge('uptime_seconds', 'Time since the kernel started.', [[system.uptime_s]]);
  gauge('memory_size_bytes', 'Memory of the appliance.', [[system.memory.total_bytes]]);
  gauge('memory_used_bytes', 'Memory in use, without caches.', [[system.memory.used_bytes]]);
  gauge('agent_memory_bytes', 'Resident memory of the agent.', [[system.memory.agent_bytes]]);
  gauge(
    'load',
    'Processes that run or wait for the disk, averaged.',
    system.load.slice(0, 3).map((load, index) => [load, { minutes: ['1', '5', '15'][index] ?? '' }]),
  );
  gauge('data_disk_size_bytes', 'Size of the data partition.', [[system.dataDisk.total_bytes]]);
  gauge('data_disk_used_bytes', 'Used part of the data partition.', [[system.dataDisk.used_bytes]]);
  gauge('data_disk_read_only', '1 when the data partition cannot be written.', [[system.dataDisk.readOnly]]);
  gauge('temperature_celsius', 'Temperature of the processor.', [[system.temperature_c]]);
  gauge('watchdog_present', '1 when a hardware watchdog guards the appliance.', [[system.watchdog.present]]);
  gauge('watchdog_timeout_seconds', 'Silence after which the watchdog resets the appliance.', [
    [system.watchdog.timeout_s],
  ]);
  gauge('time_seconds', 'Clock of the appliance.', [[seconds(time.now)]]);
  gauge('clock_synchronised', '1 when the clock follows a time server.', [[time.synchronised]]);
  gauge('clock_offset_seconds', 'Distance to the time server.', [
    [time.offset_ms === null ? null : time.offset_ms / 1000],
  ]);
}

function aboutSecrets({ secrets: { secrets } }: Status, gauge: AddGauge): void {
  gauge(
    'secret_available',
    '1 when the newest value of the secret lies where it is wanted.',
    secrets.map(({ name, problem }) => [problem === null, { secret: name }]),
  );
  gauge(
    'secret_rotate_by_seconds',
    'When the secret has to be given a new value.',
    secrets.map(({ name, rotateBy }) => [seconds(rotateBy), { secret: name }]),
  );
}

function aboutNetwork({ network, firewall, coordinator }: Status, gauge: AddGauge): void {
  const each = network.interfaces;
  gauge(
    'interface_up',
    '1 when switched on.',
    each.map(({ name, up }) => [up, { interface: name }]),
  );
  gauge(
    'interface_carrier',
    '1 when a cable with a live other end is in.',
    each.map(({ name, carrier }) => [carrier, { interface: name }]),
  );
  gauge(
    'interface_speed_bits_per_second',
    'Negotiated speed.',
    each.map(({ name, speed_mbps }) => [speed_mbps === null ? null : speed_mbps * 1e6, { interface: name }]),
  );
  gauge('firewall_loaded', '1 when the firewall is in force.', [[firewall.loaded]]);
  gauge('firewall_rules', 'Rules in force.', [[firewall.rules]]);
  gauge('coordinator_configured', '1 when there is a coordinator to talk to.', [[coordinator.configured]]);
  gauge('coordinator_reachable', '1 when the coordinator was reached last time.', [[coordinator.reachable]]);
  if (!coordinator.configured) return;
  if (coordinator.link !== null) aboutLink(coordinator.link, gauge);
  gauge(
    'coordinator_failing_stage',
    '1 for the first stage that failed on the way to the coordinator.',
    oneOf('stage', COORDINATOR_STAGES, coordinator.failingStage ?? 'none'),
  );
}

function aboutLink({ state, lastContactAt, clockOffset_ms, waiting }: LinkSection, gauge: AddGauge): void {
  gauge('link_state', 'How the appliance stands with its coordinator.', oneOf('state', LINK_STATES, state));
  gauge('link_contact_timestamp_seconds', 'When the coordinator last took something.', [
    [seconds(lastContactAt)],
  ]);
  gauge('link_clock_offset_seconds', 'How far the coordinator is ahead of the clock here.', [
    [clockOffset_ms === null ? null : clockOffset_ms / 1000],
  ]);
  gauge('link_waiting_messages', 'Messages that have not been delivered yet.', [[waiting.records]]);
  gauge('link_waiting_durable', '1 when what waits survives a restart.', [[waiting.memoryOnly === null]]);
  gauge(
    'link_given_up_messages',
    'Messages that were given up since the outbox was made.',
    Object.entries(waiting.dropped).map(([what, count]) => [count, { what }]),
  );
}

function aboutServices({ services }: Status, gauge: AddGauge): void {
  gauge(
    'service_state',
    'State of each unit.',
    services.flatMap((each) =>
      oneOf('state', SERVICE_STATES, each.state, { unit: each.unit, critical: String(each.critical) }),
    ),
  );
  gauge(
    'service_restarts',
    'Restarts of each unit in this boot.',
    services.map((each) => [each.restarts, { unit: each.unit }]),
  );
  gauge(
    'service_memory_bytes',
    'Memory of each unit.',
    services.map((each) => [each.memory_bytes, { unit: each.unit }]),
  );
}

function aboutUpdates({ state, progress, ended }: Status['update'], gauge: AddGauge): void {
  gauge(
    'update_state',
    'Where the update stands.',
    state === null ? [] : oneOf('state', UPDATE_STATES, state),
  );
  gauge('update_progress_ratio', 'Part of the slot that is written, or read back, from 0 to 1.', [
    [progress === null ? null : ratio(progress.done_bytes, progress.total_bytes)],
  ]);
  gauge('update_fetched_bytes', 'Fetched over the network by the update that runs or ran last.', [
    [progress === null ? null : progress.fetched_bytes],
  ]);
  gauge(
    'update_last_timestamp_seconds',
    'When the last update with this outcome ended.',
    UPDATE_OUTCOMES.map((outcome) => [seconds(ended[outcome].lastAt), { outcome }]),
  );
}

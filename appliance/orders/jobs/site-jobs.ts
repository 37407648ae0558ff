import { BulkheadError } from '../../../base/errors.ts';
import { CONTROL_STATES, type ComplianceReport } from '../../../status-page/compliance/report.ts';
import type { HealingStatus } from '../../healing/control.ts';
import type { Healing } from '../../healing/engine/healing-record.ts';
import type { NewCode, SensorList } from '../../sensors/control.ts';
import type { Sensor } from '../../sensors/registry/sensor.ts';
import type { SiteCall } from '../../site/control/client.ts';
import { type BookEntry, orderName, type SiteJobType } from '../entry.ts';
import { HEALING_LOOK_MS } from '../limits.ts';
import type { JobReport, OrderKeys } from '../runner.ts';

/** Asks the service of the site, see callSite. */
export type SiteAsk = (path: string, call?: Pick<SiteCall, 'method' | 'body'>) => Promise<unknown>;

export interface SiteJobTools {
  site: SiteAsk;
  /** The signed rules as the coordinator has them. @throws */
  fetchRules: () => Promise<unknown>;
}

/** Orders that the service of the site carries out: it is asked, and what it then is decides. @throws BulkheadError with what stands in the way */
export function doSiteJob(
  entry: BookEntry,
  type: SiteJobType,
  tools: SiteJobTools,
  order_keys: OrderKeys,
): Promise<JobReport> {
  switch (type) {
    case 'run_drift':
      return runChecks(entry, tools);
    case 'sync_rules':
      return syncRules(entry, tools, order_keys);
    case 'healing':
      return heal(entry, tools);
    case 'enable_healing':
      return switchHealing(entry, 'on', tools);
    case 'disable_healing':
      return switchHealing(entry, 'off', tools);
    case 'sensor_status':
      return sensorStatus(entry, tools);
    case 'deploy_sensor':
      return deploySensor(entry, tools);
    case 'remove_sensor':
      return removeSensor(entry, tools);
  }
}

/** Every control of the appliance, or those that are named; a name that is none is told as such and not passed over. */
async function runChecks({ parameters }: BookEntry, { site }: SiteJobTools): Promise<JobReport> {
  const report = (await site('/v1/compliance/run', { method: 'POST' })) as ComplianceReport;
  const wanted = parameters['checks'] as string[] | undefined;
  const own = report.controls.filter(({ machines }) => machines === null);
  const known = new Set(own.map(({ id }) => id.toLowerCase()));
  const unknown = (wanted ?? []).filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new BulkheadError('ORDER_CHECK_UNKNOWN', `there is no control ${unknown.join(', ')}`, {
      hint: 'they are named as in the documentation (reference, controls), in small letters',
    });
  const controls = own.filter(({ id }) => !wanted || wanted.includes(id.toLowerCase()));
  const facts = Object.fromEntries(
    CONTROL_STATES.map((state) => [state, controls.filter((one) => one.state === state).length]),
  );
  return { facts, log: controls.map(({ id, state, seen }) => `${id} ${state}: ${seen}\n`).join('') };
}

async function syncRules(
  { parameters }: BookEntry,
  { site, fetchRules }: SiteJobTools,
  order_keys: OrderKeys,
): Promise<JobReport> {
  const envelope = await fetchRules();
  const keys = [...order_keys].map(([key_id, key]) => ({
    key_id,
    public_key: Buffer.from(key).toString('hex'),
  }));
  const body = { envelope, keys };
  const { version, changed } = (await site('/v1/healing/rules', { method: 'PUT', body })) as {
    version: number;
    changed: boolean;
  };
  const least = parameters['version'] as number | undefined;
  if (least !== undefined && version < least)
    throw new BulkheadError(
      'ORDER_RULES_OLDER',
      `the coordinator has version ${version}, the order wants ${least}`,
    );
  return { facts: { version, changed } };
}

async function switchHealing(
  entry: BookEntry,
  mode: 'on' | 'off',
  { site }: SiteJobTools,
): Promise<JobReport> {
  const who = { reason: String(entry.parameters['reason']), by_whom: `order ${orderName(entry)}` };
  await site('/v1/healing/mode', { method: 'PUT', body: { mode, ...who } });
  const { switch: state } = (await site('/v1/healing/')) as HealingStatus;
  if (state.mode !== mode)
    throw new BulkheadError(
      'ORDER_HEALING_CONFIGURED',
      `healing is ${state.mode}: healing.mode is ${state.configured}`,
      {
        hint: 'the configuration of the appliance is not overruled',
      },
    );
  return { facts: { mode } };
}

interface HealParameters {
  host: string;
  check_type: string;
  action: string;
  parameters?: Record<string, string>;
}

/** Over when the second look is there; the deadline of the order ends the waiting. */
async function heal(entry: BookEntry, { site }: SiteJobTools): Promise<JobReport> {
  const { host, check_type, action, parameters = {} } = entry.parameters as unknown as HealParameters;
  const body = { host, check_type, action, params: parameters, by_whom: `order ${orderName(entry)}` };
  const { healing } = (await site('/v1/healing/heal', { method: 'POST', body })) as {
    healing: Healing | null;
  };
  if (healing === null) return { facts: { already: true } };
  const give_up_ms = performance.now() + entry.timeout_s * 1000;
  for (;;) {
    const now = (await site(`/v1/healing/history/${healing.id}`)) as Healing;
    const { state, reason, seen_again } = now;
    const facts = { healing: healing.id, state, seen_again: seen_again?.actual ?? null };
    if (state === 'healed') return { facts };
    if (now.ended_s !== null)
      throw new BulkheadError('ORDER_NOT_HEALED', `${check_type} on ${host} is ${state}: ${reason ?? ''}`);
    // The order itself ends by then; nobody listens any more.
    if (performance.now() > give_up_ms) return { facts };
    await Bun.sleep(HEALING_LOOK_MS);
  }
}

/** Those that are in, and have not been revoked; with a host those of that name alone. */
async function sensorsOf({ parameters }: BookEntry, { site }: SiteJobTools): Promise<SensorList> {
  const { sensors, ...others } = (await site('/v1/sensors/')) as SensorList;
  const host = parameters['host'] as string | undefined;
  const wanted = ({ id, hostname }: Sensor) => host === undefined || host === hostname || host === id;
  return { sensors: sensors.filter((one) => one.revoked_at === null && wanted(one)), ...others };
}

async function sensorStatus(entry: BookEntry, tools: SiteJobTools): Promise<JobReport> {
  const { sensors, waiting, behind } = await sensorsOf(entry, tools);
  const version = ({ id, agent_version }: Sensor) =>
    behind[id] === undefined ? agent_version : `${agent_version} (behind ${behind[id]})`;
  const line = (sensor: Sensor) => {
    const { id, hostname, way, tier, last_heard_at, drift_count } = sensor;
    return `${id} ${hostname} ${way} ${tier} version ${version(sensor)} heard ${last_heard_at ?? 'never'} drift ${drift_count}\n`;
  };
  return { facts: { sensors: sensors.length, waiting: waiting.length }, log: sensors.map(line).join('') };
}

/** The code goes to whoever ordered it: it lets one sensor in, once, within a day. */
async function deploySensor(entry: BookEntry, { site }: SiteJobTools): Promise<JobReport> {
  const tier = entry.parameters['tier'] ?? 'monitor_only';
  const body = { by: byWhom(entry), tier };
  const { code, expires_at, ca_sha256 } = (await site('/v1/sensors/codes', {
    method: 'POST',
    body,
  })) as NewCode;
  return { facts: { host: entry.parameters['host'], tier, code, expires_at, ca_sha256 } };
}

async function removeSensor(entry: BookEntry, tools: SiteJobTools): Promise<JobReport> {
  const { sensors } = await sensorsOf(entry, tools);
  const host = String(entry.parameters['host']);
  if (sensors.length === 0)
    throw new BulkheadError('ORDER_SENSOR_UNKNOWN', `no sensor that is in is called ${host}`, {
      hint: 'order sensor_status: it lists them',
    });
  const body = { by: byWhom(entry) };
  for (const { id } of sensors) await tools.site(`/v1/sensors/${id}/revoke`, { method: 'POST', body });
  const left = (await sensorsOf(entry, tools)).sensors;
  if (left.length > 0)
    throw new BulkheadError('ORDER_SENSOR_LEFT', `${left.length} sensors of ${host} are still in`);
  return { facts: { host, revoked: sensors.map(({ id }) => id) } };
}

/** As evidence names it: letters, digits and few signs. */
function byWhom({ id, attempt }: BookEntry): string {
  return `order ${id} ${attempt}`;
}

import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { Status } from '../../status-page/status.ts';
import { STATUS_TIMEOUT_MS } from './limits.ts';

/** What the person is told about the appliance in the end. */
export interface Health {
  healthy: boolean;
  /** Why not, when it is not. */
  reason: string;
  lines: string[];
}

type Facts = Pick<Status, 'identity' | 'version' | 'boot' | 'health'>;

/** From the facts of /api/v1/status. Pure. */
export function describeHealth(url: string, status: Facts): Health {
  const { outcome, verdicts } = status.health;
  const [last] = verdicts;
  const failed = last?.checks.filter((check) => check.decisive && check.outcome === 'fail') ?? [];
  const reason = [
    outcome === 'pending' ? 'the health gate has not judged this boot yet' : (last?.reason ?? 'no verdict'),
    ...failed.map((check) => `${check.name}: ${check.message}`),
  ].join('; ');
  const { slot, attempt, mode } = status.boot;
  return {
    healthy: outcome === 'healthy',
    reason,
    lines: [
      `Status page  ${url}`,
      `Appliance    ${status.identity.hostname}`,
      `Slot         ${slot ?? 'unknown'} (${mode}${attempt === null ? '' : `, attempt ${attempt}`})`,
      `Version      ${status.version.running}`,
      `Health       ${outcome}${outcome === 'healthy' ? '' : `: ${reason}`}`,
    ],
  };
}

/** @throws BulkheadError START_STATUS_INVALID when it is not what the schema of the page promises */
export function parseStatus(body: string): Status {
  const value: unknown = JSON.parse(body);
  if (Value.Check(Status, value)) return value;
  const first = Value.Errors(Status, value).First();
  throw new BulkheadError('START_STATUS_INVALID', `status is invalid at ${first?.path}: ${first?.message}`);
}

/**
 * Asks a machine that is running already.
 *
 * @throws BulkheadError START_UNHEALTHY when it does not answer
 */
export async function fetchHealth(url: string): Promise<Health> {
  try {
    const response = await fetch(`${url}/api/v1/status`, { signal: AbortSignal.timeout(STATUS_TIMEOUT_MS) });
    return describeHealth(url, parseStatus(await response.text()));
  } catch (cause) {
    throw new BulkheadError('START_UNHEALTHY', `the running appliance does not answer at ${url}`, { cause });
  }
}

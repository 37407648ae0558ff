import { expect } from 'vitest';
import type { UpdateFacts } from '../../appliance/update/status.ts';
import type { Status } from '../../status-page/status.ts';
import type { Appliance } from './fixtures/appliance.ts';

/** What an operator does with an appliance and its releases, over SSH, and what a person sees of it. */

const TRANSFER_TIMEOUT_MS = 5 * 60_000;

/** How `bulkhead update install` ended. */
interface Answer {
  code: number | null;
  events: Record<string, unknown>[];
  error: { code: string; message: string; hint: string | null } | null;
}

/** `bulkhead update install` as an operator types it. */
export async function install(appliance: Appliance, words: string): Promise<Answer> {
  const { code, stdout, stderr } = await appliance.ssh(
    `bulkhead update install --json ${words}`,
    TRANSFER_TIMEOUT_MS,
  );
  const events = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const at = stderr.indexOf('{\n');
  const error =
    code === 0 || at < 0 ? null : (JSON.parse(stderr.slice(at)) as { error: Answer['error'] }).error;
  return { code, events, error };
}

/** Waits until the appliance is healthy on that release. */
export async function healthyOn(
  appliance: Appliance,
  version: string,
  slot: 'A' | 'B',
  timeout_ms = 5 * 60_000,
): Promise<Status> {
  const answer = await appliance.machine.http(80).waitForHttp(
    '/api/v1/status',
    (got) => {
      if (got.status !== 200) return false;
      const said = got.json() as Status;
      return said.version.running === version && said.health.outcome === 'healthy';
    },
    timeout_ms,
  );
  const status = answer.json() as Status;
  expect(status.boot).toMatchObject({ slot, contradiction: null });
  return status;
}

export async function updateState(appliance: Appliance): Promise<UpdateFacts> {
  const { stdout } = await appliance.ssh('bulkhead update status --json');
  return JSON.parse(stdout) as UpdateFacts;
}

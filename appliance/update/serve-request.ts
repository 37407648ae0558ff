import { existsSync } from 'node:fs';
import type { CommandIo } from '../../base/command-line.ts';
import { BulkheadError, describeError } from '../../base/errors.ts';
import type { InstallResult } from '../../updater/install/install.ts';
import { readHistory } from '../../updater/state/history.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { followUpdate, readyText } from './follow-update.ts';
import { type InstallCommandOptions, requestOf } from './install-command.ts';
import { REQUEST_STARTS_MAX, SERVICE_PATIENCE_MS } from './limits.ts';
import { rebootNowIfWanted } from './reboot-when-due.ts';
import { failedEntry, recordFailure } from './record-failure.ts';
import { type TakenRequest, takeRequest } from './request-file.ts';
import { CALLED_OFF, type UpdateRequest } from './run-update.ts';
import { readRunningRelease } from './running-release.ts';
import type { UpdateTools } from './update-tools.ts';

/**
 * What an operator or the agent left in a request file, done by the service, which its path unit starts while there is one.
 * The request is kept on the data partition until it has ended one way or the other, so that it goes on after a power cut,
 * a kill or a reboot. A new request takes the place of one that was broken off.
 *
 * @throws BulkheadError UPDATE_REQUEST_INVALID, UPDATE_REQUEST_GIVEN_UP, UPDATE_CONFIG_REFUSED and everything of runUpdate
 *         but UPDATE_ALREADY_RUNNING
 */
export async function serveRequest(tools: UpdateTools, io: CommandIo): Promise<{ message: string }> {
  await requireInstalled(tools.slots, 'update run-request');
  const warn = (message: string) => io.err(`warning: ${message}\n`);
  const taken = await nextRequest(tools, warn);
  if (taken === null) return { message: 'nothing was asked for' };
  let goesOn = false;
  let result: InstallResult;
  try {
    result = await followUpdate(tools, io, await admitted(tools, taken, warn), false);
  } catch (error) {
    const code = error instanceof BulkheadError ? error.code : 'INTERNAL';
    if (code === 'UPDATE_ALREADY_RUNNING') return { message: describeError(error) };
    // Stopped by an operator it has ended; stopped by a reboot it goes on.
    goesOn = CALLED_OFF.has(code) && (await isShuttingDown(tools));
    if (!goesOn) await tellOrder(tools, taken, error, warn);
    throw error;
  } finally {
    if (!goesOn) tools.request.remove();
  }
  await rebootNowIfWanted(tools, result.pending.reboot);
  return { message: readyText(result) };
}

/** The newest word counts; without a new one what was broken off is begun again. */
async function nextRequest(
  tools: UpdateTools,
  warn: (message: string) => void,
): Promise<TakenRequest | null> {
  const { operatorRequest, agentRequest } = tools.paths;
  const path = [operatorRequest, agentRequest].find((candidate) => existsSync(candidate));
  const kept = tools.request.read();
  if (path !== undefined) {
    const keep = (request: Omit<TakenRequest, 'starts'>) => {
      try {
        tools.request.write({ ...request, starts: 1 });
      } catch (error) {
        // A full data partition: it is done all the same, and does not go on after a power cut.
        warn(describeError(error));
      }
    };
    const taken = { ...takeRequest(path, keep), starts: 1 };
    if (kept.condition === 'ok' && kept.value.order?.name !== taken.order?.name)
      await tellOrder(tools, kept.value, displaced(), warn);
    return taken;
  }
  if (kept.condition === 'damaged') {
    tools.request.remove();
    throw new BulkheadError(
      'UPDATE_REQUEST_INVALID',
      `the request that was broken off is damaged: ${kept.message}`,
    );
  }
  if (kept.condition === 'missing') return null;
  const again = { ...kept.value, starts: kept.value.starts + 1 };
  tools.request.write(again);
  return again;
}

function displaced(): BulkheadError {
  return new BulkheadError(
    'UPDATE_DISPLACED',
    'another request took the place of this one, which was broken off',
  );
}

/** What is refused before the updater looks at a release is in the history as well: nobody sits in front of the service. */
async function admitted(
  tools: UpdateTools,
  { urls, delta_only, reboot, starts, order }: TakenRequest,
  warn: (message: string) => void,
): Promise<UpdateRequest> {
  try {
    if (starts > REQUEST_STARTS_MAX) {
      throw new BulkheadError(
        'UPDATE_REQUEST_GIVEN_UP',
        `the update was begun ${REQUEST_STARTS_MAX} times and never came to an end`,
        {
          hint: 'journalctl -u bulkhead-update says how each try ended; ask again with bulkhead update install',
        },
      );
    }
    const options: InstallCommandOptions = {
      ...(delta_only ? { deltaOnly: true } : {}),
      ...(reboot ? { reboot: true } : {}),
    };
    return requestOf(tools, urls, options, SERVICE_PATIENCE_MS, order);
  } catch (error) {
    const release = await readRunningRelease(
      tools,
      await requireInstalled(tools.slots, 'update run-request'),
    );
    recordFailure(tools, failedEntry(release, error, tools.slots.now(), undefined, order?.name), warn);
    throw error;
  }
}

/** Whoever ordered it waits for a word, also where an update that ends this way is none for the history otherwise. */
async function tellOrder(
  tools: UpdateTools,
  { order }: TakenRequest,
  error: unknown,
  warn: (message: string) => void,
): Promise<void> {
  if (order === undefined) return;
  if (readHistory(tools.paths.history).some((entry) => entry.order === order.name)) return;
  const release = await readRunningRelease(tools, await requireInstalled(tools.slots, 'update run-request'));
  const reached = { version: order.version, method: null, fetched_bytes: 0 };
  const entry = failedEntry(release, error, tools.slots.now(), reached, order.name);
  const calledOff = error instanceof BulkheadError && CALLED_OFF.has(error.code);
  recordFailure(tools, calledOff ? { ...entry, outcome: 'cancelled' } : entry, warn);
}

async function isShuttingDown(tools: UpdateTools): Promise<boolean> {
  try {
    return (await tools.slots.run('systemctl', ['is-system-running'])).stdout.trim() === 'stopping';
  } catch {
    // Nobody answers any more: that is what a machine going down looks like.
    return true;
  }
}

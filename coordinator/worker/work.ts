import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@logtape/logtape';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { JOB_LEASE_MS } from '../builds/limits.ts';
import type { Api } from '../client/api.ts';
import { buildBundle, registerRelease, type WorkerJob } from './build.ts';
import { openJobLog } from './job-log.ts';
import { ASK_AGAIN_MS, LEASE_ASK_MS, POLL_INTERVAL_MS } from './limits.ts';

export interface WorkOptions {
  api: Api;
  /** What the coordinator calls this worker. */
  name: string;
  /** Builds get folders of their own in it. */
  folder: string;
  /** What commands see. */
  environment: Readonly<Record<string, string>>;
  log: Logger;
  /** Ends it; a build that runs is killed, and another worker takes it when its lease is over. */
  stop: AbortSignal;
  /** One build, or none when there is none. */
  once?: boolean | undefined;
  /** Instead of LEASE_ASK_MS. */
  lease_ask_ms?: number;
  /** Instead of LOG_INTERVAL_MS. */
  log_interval_ms?: number;
}

/** Takes builds of the coordinator, one after the other, until it is stopped. */
export async function work(options: WorkOptions): Promise<void> {
  const { api, name: worker, log, stop } = options;
  mkdirSync(options.folder, { recursive: true });
  while (!stop.aborted) {
    const asked = (await patiently(options, () => api.call('POST', '/api/v1/jobs/claim', { worker }))) as
      | { job: WorkerJob | null }
      | undefined;
    const job = asked?.job;
    if (job) {
      log.info('a build begins', { job: job.id, project: job.project, commit: job.commit_sha });
      await doJob(options, job);
    }
    if (options.once) return;
    if (!job) await pause(POLL_INTERVAL_MS, stop);
  }
}

async function doJob(options: WorkOptions, job: WorkerJob): Promise<void> {
  const { api, log } = options;
  const { attempt } = job;
  const at = (what: string) => `/api/v1/jobs/${job.id}/${what}`;
  const lease = keepLease(options, () => api.call('POST', at('lease'), { attempt }));
  const ask = { log, stop: lease.lost };
  const jobLog = openJobLog(async (piece) => {
    await patiently(ask, () => api.call('POST', at('log'), { attempt, ...piece }));
  }, options.log_interval_ms);
  const folder = mkdtempSync(join(options.folder, 'build-'));
  try {
    const confirm = () => api.call('POST', at('lease'), { attempt });
    const place = { folder, stop: lease.lost, onText: jobLog.write };
    const end = await conclude(options, job, place, confirm);
    await jobLog.close();
    if (lease.lost.aborted) {
      log.warn('a build is not this worker’s any more', { job: job.id });
      return;
    }
    await patiently(ask, () => api.call('POST', at('end'), { attempt, ...end }));
    log.info('a build has ended', { job: job.id, ...end });
  } catch (error) {
    log.warn('the end of a build could not be told', { job: job.id, error: describeError(error) });
  } finally {
    lease.drop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds and publishes. @param confirm rejects when the job is another worker's @returns what the coordinator is told of it */
async function conclude(
  { api, environment, log }: WorkOptions,
  job: WorkerJob,
  place: { folder: string; stop: AbortSignal; onText: (text: string) => void },
  confirm: () => Promise<unknown>,
): Promise<{ state: 'succeeded' | 'failed'; code?: string; message: string; release_id?: string }> {
  try {
    const bundle = await buildBundle(job, { ...place, environment });
    place.onText('publishing\n');
    const ask = { log, stop: place.stop };
    await patiently(ask, confirm);
    const release = await patiently(ask, () => registerRelease(api, job, bundle));
    if (!release) throw new BulkheadError('BUILD_STOPPED', 'the build was stopped');
    return { state: 'succeeded', message: `release ${release.version}`, release_id: release.id };
  } catch (error) {
    const code = error instanceof BulkheadError ? error.code : 'BUILD_INTERNAL';
    const message = error instanceof Error ? error.message.slice(0, 2000) : String(error);
    place.onText(`${code}: ${message}\n`);
    return { state: 'failed', code, message };
  }
}

/** Says again and again that the worker is at it. `lost` is aborted when that is not so any more, or when nobody knows. */
function keepLease(
  { stop, log, lease_ask_ms = LEASE_ASK_MS }: WorkOptions,
  ask: () => Promise<unknown>,
): { lost: AbortSignal; drop(): void } {
  const ended = new AbortController();
  let held_ms = performance.now();
  const timer = setInterval(async () => {
    const asked_ms = performance.now();
    try {
      await ask();
      held_ms = asked_ms;
    } catch (error) {
      log.warn('a lease was not prolonged', { error: describeError(error) });
      // Without an answer it may still be ours, but not for longer than it was given for.
      if (!isSilence(error) || performance.now() - held_ms > JOB_LEASE_MS) ended.abort();
    }
  }, lease_ask_ms);
  return { lost: AbortSignal.any([stop, ended.signal]), drop: () => clearInterval(timer) };
}

/** Asks until there is an answer. @returns undefined: it was stopped @throws BulkheadError a refusal */
async function patiently<T>(
  { stop, log }: Pick<WorkOptions, 'stop' | 'log'>,
  act: () => Promise<T>,
): Promise<T | undefined> {
  while (!stop.aborted) {
    try {
      return await act();
    } catch (error) {
      if (!isSilence(error)) throw error;
      log.warn('the coordinator does not answer', { error: describeError(error) });
      await pause(ASK_AGAIN_MS, stop);
    }
  }
  return undefined;
}

/** Nothing was heard, or somebody in front of the coordinator answered for it. */
function isSilence(error: unknown): boolean {
  return (
    error instanceof BulkheadError &&
    ['API_UNREACHABLE', 'API_ANSWER', 'TOO_MANY_REQUESTS'].includes(error.code)
  );
}

async function pause(duration_ms: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, duration_ms);
    stop.addEventListener('abort', done);
  });
}

import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import type { JobRow } from '../database/build-tables.ts';
import type { Database, Work } from '../database/tables.ts';
import { findJob, writeJob } from './jobs.ts';
import { CLAIM_TRIES, JOB_LEASE_MS, JOB_LOG_MAX, JOB_OVERTIME_MS, JOB_WAIT_MAX_MS } from './limits.ts';
import { afterClaim, afterEnd, afterSilence, type JobEnd } from './machine.ts';

/** What a worker holds a job by: of two that began it only the later one has it. */
export interface Hold {
  id: string;
  attempt: number;
}

/** Gives the oldest job that waits to a worker; undefined: there is none. */
export async function claimJob(coordinator: Coordinator, worker: string): Promise<JobRow | undefined> {
  const { database, now_ms } = coordinator;
  for (let tried = 0; tried < CLAIM_TRIES; tried += 1) {
    const job = await database
      .selectFrom('jobs')
      .selectAll()
      .where('state', '=', 'queued')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    if (!job) return undefined;
    const change = afterClaim(job, worker, now_ms());
    if (await writeJob(coordinator, database, job, change)) return { ...job, ...change };
  }
  return undefined;
}

/** Its worker is still at it. @returns until when it is taken for that @throws BulkheadError JOB_UNKNOWN, JOB_TAKEN */
export async function extendJob({ database, now_ms }: Coordinator, hold: Hold): Promise<number> {
  const lease_until_ms = now_ms() + JOB_LEASE_MS;
  const { numUpdatedRows } = await database
    .updateTable('jobs')
    .set({ lease_until_ms })
    .where('id', '=', hold.id)
    .where('state', '=', 'running')
    .where('attempt', '=', hold.attempt)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw await lost(database, hold);
  return lease_until_ms;
}

/** One piece of the log; one that is there already is left as it is. @throws BulkheadError JOB_UNKNOWN, JOB_TAKEN, JOB_LOG_FULL */
export async function addJobLog(
  coordinator: Coordinator,
  { id, attempt }: Hold,
  { offset: position, text }: { offset: number; text: string },
): Promise<void> {
  if (position + text.length > JOB_LOG_MAX)
    throw new BulkheadError('JOB_LOG_FULL', `the log of a build has at most ${JOB_LOG_MAX} characters`);
  await coordinator.doWork(async (work) => {
    await requireHeld(work, { id, attempt });
    await work
      .insertInto('job_logs')
      .values({ job_id: id, attempt, position, text, received_ms: coordinator.now_ms() })
      .onConflict((conflict) => conflict.columns(['job_id', 'attempt', 'position']).doNothing())
      .execute();
  });
}

/** The same twice is taken twice and changes nothing the second time. @throws BulkheadError JOB_UNKNOWN, JOB_TAKEN */
export async function endJob(
  coordinator: Coordinator,
  actor: string,
  hold: Hold,
  end: JobEnd,
): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    const job = await findJob(work, hold.id);
    if (job.state === end.state && job.attempt === hold.attempt) return;
    await requireHeld(work, hold);
    if (!(await writeJob(coordinator, work, job, afterEnd(end, now_ms)))) throw await lost(work, hold);
    await recordDeed(work, now_ms, {
      ...{ actor, action: 'job.end', subject: `job:${job.id}` },
      details: { project: job.project, worker: job.worker, ...end },
    });
  });
}

/** Jobs whose worker is not heard of any more. Any number of coordinators may do this. */
export async function sweepJobs(coordinator: Coordinator): Promise<void> {
  const { database, now_ms, log } = coordinator;
  const silent = await database
    .selectFrom('jobs')
    .selectAll()
    .where('state', '=', 'running')
    .where('lease_until_ms', '<=', now_ms())
    .execute();
  for (const job of silent) {
    const change = afterSilence(job, now_ms());
    if (change && (await writeJob(coordinator, database, job, change)))
      log.warn('a worker was not heard of any more', { job: job.id, worker: job.worker, now: change.state });
  }
}

/** Builds that do not come to an end, and projects whose last build failed. */
export async function troubledJobs(database: Database, at_ms: number) {
  const open = await database
    .selectFrom('jobs')
    .select(['id', 'project', 'state', 'created_ms', 'started_ms', 'timeout_s'])
    .where('state', 'in', ['queued', 'running'])
    .execute();
  const stuck = open.filter(({ state, created_ms, started_ms, timeout_s }) =>
    state === 'queued'
      ? at_ms - created_ms > JOB_WAIT_MAX_MS
      : at_ms - (started_ms ?? created_ms) > timeout_s * 1000 + JOB_OVERTIME_MS,
  );
  const failed = await database
    .selectFrom('jobs as failed')
    .innerJoin('projects', 'projects.id', 'failed.project_id')
    .select(['failed.id', 'project_id', 'project', 'ref', 'code', 'message'])
    .where('state', '=', 'failed')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('jobs as later')
            .select('later.id')
            .whereRef('later.project_id', '=', 'failed.project_id')
            .whereRef('later.id', '>', 'failed.id')
            .where('later.state', 'in', ['succeeded', 'failed']),
        ),
      ),
    )
    .execute();
  return {
    stuck: stuck.map(({ id, project, state }) => ({ id, project, waits: state === 'queued' })),
    failed,
  };
}

async function requireHeld(work: Work, hold: Hold): Promise<void> {
  const job = await findJob(work, hold.id);
  if (job.state !== 'running' || job.attempt !== hold.attempt) throw await lost(work, hold);
}

async function lost(database: Database | Work, { id }: Hold): Promise<BulkheadError> {
  const { state } = await findJob(database, id);
  return new BulkheadError('JOB_TAKEN', `build ${id} is not this worker's any more: it is ${state}`, {
    hint: 'it was cancelled, or the worker was not heard of for too long; stop what runs for it',
  });
}

import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { JobRow, JobState, ProjectRow } from '../database/build-tables.ts';
import type { Database, Work } from '../database/tables.ts';
import { JOBS_OPEN_MAX } from './limits.ts';
import { afterCancelJob, type JobChange, OPEN_JOB_STATES } from './machine.ts';
import { type BuildRule, ruleFor } from './project-schema.ts';
import { findProject } from './projects.ts';

/** What is to be built. */
export interface Push {
  ref: string;
  commit_sha: string;
}

/** Queues the build of a commit. @throws BulkheadError JOBS_TOO_MANY */
export async function queueJob(
  coordinator: Coordinator,
  work: Work,
  actor: string,
  { project, rule, push }: { project: ProjectRow; rule: BuildRule; push: Push },
): Promise<JobRow> {
  const open = await work
    .selectFrom('jobs')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('state', 'in', [...OPEN_JOB_STATES])
    .executeTakeFirstOrThrow();
  if (Number(open.count) >= JOBS_OPEN_MAX)
    throw new BulkheadError('JOBS_TOO_MANY', `${JOBS_OPEN_MAX} builds have not ended yet`, {
      hint: 'is a worker running? cancel those that are not wanted any more',
    });
  const now_ms = coordinator.now_ms();
  const { channel, command } = rule;
  const job: JobRow = {
    ...{ id: newId(coordinator), project_id: project.id, project: project.name, ...push, channel, command },
    ...{ repository: project.repository, timeout_s: project.timeout_s, state: 'queued', attempt: 0 },
    ...{ worker: null, lease_until_ms: null, created_ms: now_ms, created_by: actor, started_ms: null },
    ...{ ended_ms: null, code: null, message: null, release_id: null },
  };
  await work.insertInto('jobs').values(job).execute();
  await recordDeed(work, now_ms, {
    ...{ actor, action: 'job.queue', subject: `job:${job.id}` },
    details: { project: project.name, ...push, channel },
  });
  return job;
}

/** Somebody asks for a build. @throws BulkheadError PROJECT_UNKNOWN, JOB_NO_RULE, JOBS_TOO_MANY */
export async function requestJob(
  coordinator: Coordinator,
  actor: string,
  project_id: string,
  push: Push,
): Promise<JobRow> {
  return await coordinator.doWork(async (work) => {
    const project = await findProject(work, project_id);
    const rule = ruleFor(JSON.parse(project.rules) as BuildRule[], push.ref);
    if (!rule)
      throw new BulkheadError('JOB_NO_RULE', `no rule of ${project.name} is about ${push.ref}`, {
        hint: 'the rule says to which channel it belongs and how it is built',
      });
    return await queueJob(coordinator, work, actor, { project, rule, push });
  });
}

/** The same once more, as a job of its own. @throws BulkheadError JOB_UNKNOWN, JOB_OPEN, JOBS_TOO_MANY */
export async function repeatJob(coordinator: Coordinator, actor: string, id: string): Promise<JobRow> {
  return await coordinator.doWork(async (work) => {
    const job = await findJob(work, id);
    if (OPEN_JOB_STATES.includes(job.state))
      throw new BulkheadError('JOB_OPEN', `build ${id} has not ended yet`);
    const project = await findProject(work, job.project_id);
    const { ref, commit_sha, channel, command } = job;
    return await queueJob(coordinator, work, actor, {
      ...{ project, rule: { ref, channel, command }, push: { ref, commit_sha } },
    });
  });
}

/** A worker that is at it hears so when it asks next. @throws BulkheadError JOB_UNKNOWN, JOB_ENDED */
export async function cancelJob(coordinator: Coordinator, actor: string, id: string): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    const job = await findJob(work, id);
    const change = afterCancelJob(job, now_ms);
    if (!change || !(await writeJob(coordinator, work, job, change)))
      throw new BulkheadError('JOB_ENDED', `build ${id} is ${job.state} and cannot be taken back`);
    await recordDeed(work, now_ms, { actor, action: 'job.cancel', subject: `job:${id}` });
  });
}

/** Writes a decision down, if the job is still what it was decided for. @returns false when somebody else was first */
export async function writeJob(
  { metrics }: Coordinator,
  work: Database | Work,
  job: JobRow,
  change: JobChange,
): Promise<boolean> {
  const { numUpdatedRows } = await work
    .updateTable('jobs')
    .set(change)
    .where('id', '=', job.id)
    .where('state', '=', job.state)
    .where('attempt', '=', job.attempt)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  const { ended_ms, started_ms } = { ...job, ...change };
  if (change.state === 'running') metrics.jobBegan(((started_ms ?? 0) - job.created_ms) / 1000);
  if (ended_ms !== null && job.ended_ms === null)
    metrics.jobEnded(change.state, started_ms === null ? null : (ended_ms - started_ms) / 1000);
  return true;
}

export interface JobQuery {
  state?: JobState | undefined;
  project_id?: string | undefined;
  /** Id of the last one of the page before. */
  before?: string | undefined;
  limit: number;
}

/** Newest first. */
export async function listJobs({ database }: Coordinator, query: JobQuery): Promise<JobRow[]> {
  let rows = database.selectFrom('jobs').selectAll().orderBy('id', 'desc').limit(query.limit);
  if (query.state !== undefined) rows = rows.where('state', '=', query.state);
  if (query.project_id !== undefined) rows = rows.where('project_id', '=', query.project_id);
  if (query.before !== undefined) rows = rows.where('id', '<', query.before);
  return await rows.execute();
}

export async function countJobs({ database }: Coordinator): Promise<Map<JobState, number>> {
  const rows = await database
    .selectFrom('jobs')
    .select((select) => ['state', select.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  return new Map(rows.map(({ state, count }) => [state, Number(count)]));
}

/** One job with the log of each attempt. @throws BulkheadError JOB_UNKNOWN */
export async function readJob({ database }: Coordinator, id: string) {
  const job = await findJob(database, id);
  const pieces = await database
    .selectFrom('job_logs')
    .select(['attempt', 'text'])
    .where('job_id', '=', id)
    .orderBy('attempt')
    .orderBy('position')
    .execute();
  const log = [...Map.groupBy(pieces, ({ attempt }) => attempt)].map(([attempt, list]) => ({
    attempt,
    text: list.map(({ text }) => text).join(''),
  }));
  return { job, log };
}

/** @throws BulkheadError JOB_UNKNOWN */
export async function findJob(database: Database | Work, id: string): Promise<JobRow> {
  const job = await database.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
  if (!job) throw new BulkheadError('JOB_UNKNOWN', `there is no build ${id}`);
  return job;
}

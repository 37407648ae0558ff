import { BulkheadError } from '../../base/errors.ts';
import { queueJob } from '../builds/jobs.ts';
import { type BuildRule, ruleFor } from '../builds/project-schema.ts';
import { findProject } from '../builds/projects.ts';
import { type Coordinator, newId } from '../context.ts';
import type { ProjectRow, WebhookEventRow } from '../database/build-tables.ts';
import { EVENTS_PAGE_MAX } from './limits.ts';
import { type GitEvent, readEvent } from './read-event.ts';
import { isGenuine } from './verify.ts';

/** What became of a request of a Git service. */
export interface Received {
  event: string;
  outcome: WebhookEventRow['outcome'] | 'repeated';
  reason: string | null;
  job_id: string | null;
}

/**
 * Takes a request of a Git service: each delivery once, and what it says becomes a job where a rule fits.
 *
 * @throws BulkheadError WEBHOOK_UNVERIFIED, REQUEST_INVALID, JOBS_TOO_MANY
 */
export async function receiveWebhook(
  coordinator: Coordinator,
  project_id: string,
  field: (name: string) => string | null,
  body: Uint8Array,
): Promise<Received> {
  const { database, doWork, now_ms } = coordinator;
  const project = await database
    .selectFrom('projects')
    .selectAll()
    .where('id', '=', project_id)
    .executeTakeFirst();
  // Who has not the secret does not hear whether there is such a project.
  if (!project || !isGenuine(project.service, project.secret, field, body)) throw unverified();
  const told = readEvent(project.service, field, body);
  return await doWork(async (work) => {
    const id = newId(coordinator);
    const { rule, ...row } = rowOf(project, told);
    const { numInsertedOrUpdatedRows } = await work
      .insertInto('webhook_events')
      .values({ id, ...row, job_id: null, received_ms: now_ms() })
      .onConflict((conflict) => conflict.columns(['project_id', 'delivery']).doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows === 0n) {
      const before = await work
        .selectFrom('webhook_events')
        .select(['id', 'reason', 'job_id'])
        .where('project_id', '=', project.id)
        .where('delivery', '=', told.delivery)
        .executeTakeFirst();
      return {
        ...{ event: before?.id ?? id, outcome: 'repeated' },
        ...{ reason: before?.reason ?? null, job_id: before?.job_id ?? null },
      };
    }
    if (!rule || !told.push) return { event: id, outcome: 'ignored', reason: row.reason, job_id: null };
    const actor = `webhook:${project.name}`;
    const job = await queueJob(coordinator, work, actor, { project, rule, push: told.push });
    await work.updateTable('webhook_events').set({ job_id: job.id }).where('id', '=', id).execute();
    return { event: id, outcome: 'queued', reason: null, job_id: job.id };
  });
}

/** What a project's webhook has said, newest first. @throws BulkheadError PROJECT_UNKNOWN */
export async function listEvents({ database }: Coordinator, project_id: string): Promise<WebhookEventRow[]> {
  await findProject(database, project_id);
  return await database
    .selectFrom('webhook_events')
    .selectAll()
    .where('project_id', '=', project_id)
    .orderBy('id', 'desc')
    .limit(EVENTS_PAGE_MAX)
    .execute();
}

function rowOf(project: ProjectRow, { delivery, event, push, reason }: GitEvent) {
  const rule = push ? ruleFor(JSON.parse(project.rules) as BuildRule[], push.ref) : undefined;
  const why = push && !rule ? `no rule is about ${push.ref}` : reason;
  return {
    ...{ rule, project_id: project.id, delivery, event, ref: push?.ref ?? null },
    ...{ commit_sha: push?.commit_sha ?? null, reason: why },
    outcome: rule ? ('queued' as const) : ('ignored' as const),
  };
}

const unverified = () =>
  new BulkheadError('WEBHOOK_UNVERIFIED', 'this request does not carry the secret of a project here', {
    hint: 'address and secret are those of project add; project secret makes another one',
  });

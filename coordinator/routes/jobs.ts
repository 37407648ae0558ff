import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import { cancelJob, listJobs, readJob, repeatJob } from '../builds/jobs.ts';
import { JOB_LOG_PIECE_MAX } from '../builds/limits.ts';
import { JOB_STATES } from '../builds/machine.ts';
import { addJobLog, claimJob, endJob, extendJob } from '../builds/work.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import { answers, Id, Nullable, PageSize, PersonName, TimeMs } from './parts.ts';

const strict = { additionalProperties: false };
const State = OneOf(JOB_STATES);
export const JobFields = t.Object({
  ...{ id: Id, project_id: Id, project: t.String(), repository: t.String(), ref: t.String() },
  ...{ commit_sha: t.String(), channel: t.String(), command: t.String(), timeout_s: t.Integer() },
  ...{ state: State, attempt: t.Integer(), worker: Nullable(t.String()), lease_until_ms: Nullable(TimeMs) },
  ...{ created_ms: TimeMs, created_by: t.String(), started_ms: Nullable(TimeMs) },
  ...{ ended_ms: Nullable(TimeMs), code: Nullable(t.String()), message: Nullable(t.String()) },
  release_id: Nullable(Id),
});
const Attempt = t.Integer({ minimum: 1, description: 'as it was claimed: a later one is another worker’s' });

/** Builds: what people see, and what workers do. */
export function jobRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['builds'], summary });
  const params = t.Object({ id: Id });
  const worker = async (request: Request) => (await authorise(coordinator, request, 'build')).actor;
  const operator = async (request: Request) => (await authorise(coordinator, request, 'release')).actor;
  const done = () => new Response(null, { status: 204 });
  return new Elysia({ name: 'jobs', prefix: '/api/v1/jobs' })
    .get(
      '',
      async ({ request, query }) => {
        await authorise(coordinator, request, 'read');
        return { jobs: await listJobs(coordinator, { ...query, limit: query.limit ?? 100 }) };
      },
      {
        query: t.Object({
          ...{ state: t.Optional(State), project_id: t.Optional(Id) },
          ...{ before: t.Optional(Id), limit: PageSize },
        }),
        response: answers({ 200: t.Object({ jobs: t.Array(JobFields) }) }, 400, 401, 403),
        detail: detail('Builds, newest first'),
      },
    )
    .get(
      '/:id',
      async ({ request, params }) => {
        await authorise(coordinator, request, 'read');
        const { job, log } = await readJob(coordinator, params.id);
        return { ...job, log };
      },
      {
        params,
        response: answers(
          {
            200: t.Object({
              ...JobFields.properties,
              log: t.Array(t.Object({ attempt: t.Integer(), text: t.String() })),
            }),
          },
          ...([401, 403, 404] as const),
        ),
        detail: detail('One build with its log'),
      },
    )
    .post(
      '/:id/cancel',
      async ({ request, params }) => {
        await cancelJob(coordinator, await operator(request), params.id);
        return done();
      },
      {
        ...{ params, response: answers({ 204: t.Void() }, 401, 403, 404, 409) },
        detail: detail('Take a build back; a worker that is at it stops'),
      },
    )
    .post(
      '/:id/repeat',
      async ({ request, params }) => await repeatJob(coordinator, await operator(request), params.id),
      {
        ...{ params, response: answers({ 200: JobFields }, 401, 403, 404, 409) },
        detail: detail('Build the same once more'),
      },
    )
    .post(
      '/claim',
      async ({ request, body }) => {
        await worker(request);
        const job = await claimJob(coordinator, body.worker);
        return Response.json({ job: job ?? null });
      },
      {
        body: t.Object({ worker: PersonName }, strict),
        response: answers({ 200: t.Object({ job: Nullable(JobFields) }) }, 400, 401, 403),
        detail: detail('A worker takes the oldest build that waits'),
      },
    )
    .post(
      '/:id/lease',
      async ({ request, params, body }) => {
        await worker(request);
        return { lease_until_ms: await extendJob(coordinator, { ...params, ...body }) };
      },
      {
        ...{ params, body: t.Object({ attempt: Attempt }, strict) },
        response: answers({ 200: t.Object({ lease_until_ms: TimeMs }) }, 400, 401, 403, 404, 409),
        detail: detail('A worker says that it is still at it'),
      },
    )
    .post(
      '/:id/log',
      async ({ request, params: { id }, body: { attempt, ...piece } }) => {
        await worker(request);
        await addJobLog(coordinator, { id, attempt }, piece);
        return done();
      },
      {
        params,
        body: t.Object(
          {
            ...{ attempt: Attempt, offset: t.Integer({ minimum: 0 }) },
            text: t.String({ minLength: 1, maxLength: JOB_LOG_PIECE_MAX }),
          },
          strict,
        ),
        response: answers({ 204: t.Void() }, 400, 401, 403, 404, 409, 413),
        detail: detail('One piece of the log of a build'),
      },
    )
    .post(
      '/:id/end',
      async ({ request, params: { id }, body: { attempt, ...end } }) => {
        await endJob(coordinator, await worker(request), { id, attempt }, end);
        return done();
      },
      {
        params,
        body: t.Object(
          {
            ...{ attempt: Attempt, state: OneOf(['succeeded', 'failed']), release_id: t.Optional(Id) },
            code: t.Optional(t.String({ maxLength: 64, pattern: '^[A-Z][A-Z0-9_]*$' })),
            message: t.Optional(t.String({ maxLength: 2000 })),
          },
          strict,
        ),
        response: answers({ 204: t.Void() }, 400, 401, 403, 404, 409),
        detail: detail('What became of a build'),
      },
    );
}

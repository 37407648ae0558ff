import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import { requestJob } from '../builds/jobs.ts';
import { BuildRule, Commit, ProjectRequest, Ref, SERVICES } from '../builds/project-schema.ts';
import {
  addProject,
  changeProject,
  findProject,
  listProjects,
  removeProject,
  renewSecret,
  viewProject,
} from '../builds/projects.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import { listEvents } from '../webhooks/receive.ts';
import { JobFields } from './jobs.ts';
import { answers, Id, Nullable, TimeMs } from './parts.ts';

const ProjectFields = t.Object({
  ...{ id: Id, name: t.String(), service: OneOf(SERVICES), repository: t.String() },
  ...{ rules: t.Array(BuildRule), timeout_s: t.Integer(), created_ms: TimeMs, created_by: t.String() },
});
const EventFields = t.Object({
  ...{ id: Id, project_id: Id, delivery: t.String(), event: t.String(), ref: Nullable(t.String()) },
  ...{ commit_sha: Nullable(t.String()), outcome: OneOf(['queued', 'ignored']), received_ms: TimeMs },
  ...{ reason: Nullable(t.String()), job_id: Nullable(Id) },
});
const Secret = t.String({ description: 'for the webhook; told this once' });

/** What is built when somebody pushes. */
export function projectRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['builds'], summary });
  const params = t.Object({ id: Id });
  const admin = async (request: Request) => (await authorise(coordinator, request, 'admin')).actor;
  return new Elysia({ name: 'projects', prefix: '/api/v1/projects' })
    .get(
      '',
      async ({ request }) => {
        await authorise(coordinator, request, 'read');
        return { projects: await listProjects(coordinator) };
      },
      {
        response: answers({ 200: t.Object({ projects: t.Array(ProjectFields) }) }, 401, 403),
        detail: detail('Projects by name'),
      },
    )
    .post('', async ({ request, body }) => await addProject(coordinator, await admin(request), body), {
      body: ProjectRequest,
      response: answers({ 200: t.Object({ project: ProjectFields, secret: Secret }) }, 400, 401, 403, 409),
      detail: detail('Build what is pushed to a repository; its webhook goes to /webhooks/ID'),
    })
    .get(
      '/:id',
      async ({ request, params }) => {
        await authorise(coordinator, request, 'read');
        return viewProject(await findProject(coordinator.database, params.id));
      },
      { params, response: answers({ 200: ProjectFields }, 401, 403, 404), detail: detail('One project') },
    )
    .put(
      '/:id',
      async ({ request, params, body }) =>
        await changeProject(coordinator, await admin(request), params.id, body),
      {
        ...{ params, body: ProjectRequest },
        response: answers({ 200: ProjectFields }, 400, 401, 403, 404, 409),
        detail: detail('Say anew what is built; the secret stays'),
      },
    )
    .delete(
      '/:id',
      async ({ request, params }) => {
        await removeProject(coordinator, await admin(request), params.id);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params, response: answers({ 204: t.Void() }, 401, 403, 404) },
        detail: detail('Build nothing of it any more; its builds stay on record'),
      },
    )
    .post(
      '/:id/secret',
      async ({ request, params }) => ({
        secret: await renewSecret(coordinator, await admin(request), params.id),
      }),
      {
        ...{ params, response: answers({ 200: t.Object({ secret: Secret }) }, 401, 403, 404) },
        detail: detail('Make another secret; the one before counts no more'),
      },
    )
    .get(
      '/:id/events',
      async ({ request, params }) => {
        await authorise(coordinator, request, 'read');
        return { events: await listEvents(coordinator, params.id) };
      },
      {
        ...{ params, response: answers({ 200: t.Object({ events: t.Array(EventFields) }) }, 401, 403, 404) },
        detail: detail('What its webhook has said, and what came of it, newest first'),
      },
    )
    .post(
      '/:id/builds',
      async ({ request, params, body: { ref, commit: commit_sha } }) => {
        const { actor } = await authorise(coordinator, request, 'release');
        return await requestJob(coordinator, actor, params.id, { ref, commit_sha });
      },
      {
        ...{ params, body: t.Object({ ref: Ref, commit: Commit }, { additionalProperties: false }) },
        response: answers({ 200: JobFields }, 400, 401, 403, 404, 409),
        detail: detail('Build a commit as if it had been pushed'),
      },
    );
}

import { Type as t } from '@sinclair/typebox';
import { Elysia, t as elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import { answerArtifact } from '../artifacts/answer.ts';
import { ARTIFACT_MAX_BYTES } from '../artifacts/limits.ts';
import { createUploads } from '../artifacts/upload.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import { findReleaseFile } from '../releases/read.ts';
import { raw } from '../server/openapi.ts';
import { answers, Nullable, TimeMs } from './parts.ts';

export const Sha256 = t.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, hexadecimal' });
const SizeBytes = { minimum: 1, maximum: ARTIFACT_MAX_BYTES };
const Progress = t.Object({
  received_bytes: t.Integer({ description: 'where the next piece belongs' }),
  piece_max_bytes: t.Integer(),
  artifact: Nullable(
    t.Object({
      ...{ sha256: Sha256, kind: OneOf(['bundle', 'blocks']), size_bytes: t.Integer() },
      ...{ created_ms: TimeMs, created_by: t.String() },
    }),
  ),
});

/** Files of releases: how they come in, and how appliances fetch them. */
export function artifactRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['releases'], summary });
  const uploads = createUploads(coordinator);
  const operator = async (request: Request) => (await authorise(coordinator, request, 'release')).actor;
  const fetchFile = async ({ request, params }: { request: Request; params: { name: string } }) =>
    answerArtifact(coordinator.artifacts, await findReleaseFile(coordinator, params.name), request);
  const download = (summary: string) => ({
    params: t.Object({ name: t.String({ maxLength: 120 }) }),
    detail: {
      ...detail(summary),
      security: [],
      responses: {
        ...{
          200: raw('application/octet-stream', 'all of it'),
          206: raw('application/octet-stream', 'a range'),
        },
        ...{ 304: { description: 'If-None-Match names it' }, 404: { description: 'no release has it' } },
        416: { description: 'nothing of the range is in it' },
      },
    },
  });
  return new Elysia({ name: 'artifacts' })
    .post(
      '/api/v1/uploads',
      async ({ request, body }) => await uploads.begin(await operator(request), body),
      {
        body: t.Object({ sha256: Sha256, size_bytes: t.Integer(SizeBytes) }, { additionalProperties: false }),
        response: answers({ 200: Progress }, 400, 401, 403, 409, 413),
        detail: detail('Begin an upload, or hear where to go on with one'),
      },
    )
    .patch(
      '/api/v1/uploads/:sha256',
      async ({ request, params, query }) => {
        const actor = await operator(request);
        const bytes = new Uint8Array(await request.arrayBuffer());
        const { offset: offset_bytes, size_bytes } = query;
        return await uploads.append(actor, { sha256: params.sha256, size_bytes }, { offset_bytes, bytes });
      },
      {
        params: t.Object({ sha256: Sha256 }),
        query: t.Object({
          offset: elysia.Numeric({ minimum: 0, maximum: ARTIFACT_MAX_BYTES, multipleOf: 1 }),
          size_bytes: elysia.Numeric({ ...SizeBytes, multipleOf: 1 }),
        }),
        // The body is bytes, and is read only for somebody who may send them.
        parse: 'none',
        response: answers({ 200: Progress }, 400, 401, 403, 404, 409, 413),
        detail: {
          ...detail('Send the next piece; with the last one digest and signature are checked'),
          requestBody: {
            required: true,
            content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
          },
        },
      },
    )
    .get('/artifacts/:name', fetchFile, download('A bundle or what lies beside it, with ranges'))
    .head('/artifacts/:name', fetchFile, download('Length and entity tag of it'));
}

import { type Static, Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { ReleaseVersion } from '../../updater/bundle/manifest.ts';
import type { TrustedKeys } from '../../updater/signing/trust.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import { addReleaseFile, createRelease } from '../releases/create.ts';
import { releaseKeys, setReleaseKeys } from '../releases/keys.ts';
import { readSbom } from '../releases/open-artifact.ts';
import { findRelease, listReleases, readRelease, viewRelease, withdrawRelease } from '../releases/read.ts';
import { FLOORS_MAX } from '../rollouts/limits.ts';
import { raw } from '../server/openapi.ts';
import { keepReport } from '../vulnerabilities/keep.ts';
import { VulnerabilityReport } from '../vulnerabilities/report.ts';
import { Sha256 } from './artifacts.ts';
import { answers, Id, Nullable, PageSize, TimeMs } from './parts.ts';

const strict = { additionalProperties: false };
const Channel = t.String({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$' });
/** What the bundle itself does not say. */
export const ReleaseFacts = t.Object(
  {
    ...{ channel: Channel, notes: t.Optional(t.String({ maxLength: 20_000 })) },
    floors: t.Optional(t.Array(ReleaseVersion, { maxItems: FLOORS_MAX })),
  },
  strict,
);
const Texts = t.Array(t.String());
const ReleaseFields = {
  ...{ id: Id, version: t.String(), channel: t.String(), notes: t.String(), floors: Texts },
  ...{ bundle_sha256: Sha256, manifest_sha256: Sha256, root_hash: t.String(), compatible: Texts },
  ...{ replaces_min: Nullable(t.String()), expires: Nullable(t.String()), built_at: t.String() },
  ...{ signed_by: Texts, sbom_sha256: Nullable(Sha256), provenance_sha256: Nullable(Sha256) },
  ...{ created_ms: TimeMs, created_by: t.String(), withdrawn_ms: Nullable(TimeMs) },
  ...{ withdrawn_by: Nullable(t.String()), withdrawn_reason: Nullable(t.String()) },
};
const FileFields = {
  suffix: t.String({ description: 'behind the digest of the bundle in its URL' }),
  ...{ sha256: Sha256, size_bytes: t.Integer(), base_version: Nullable(t.String()) },
};
const Field = t.Object({
  ...{ version: Nullable(t.String()), devices: t.Integer() },
  delta_bytes: Nullable(t.Integer({ description: 'of the delta from that version; null: there is none' })),
});
const Vulnerabilities = t.Object({
  ...VulnerabilityReport.properties,
  ...{ compared_ms: TimeMs, compared_by: t.String() },
});
const Keys = t.Object({
  ...{ version: t.Integer(), issued_at: t.String() },
  keys: t.Array(t.Object({ id: t.String(), roles: Texts, not_after: Nullable(t.String()) })),
  revoked: Texts,
});

/** What there is to roll out, and whose it has to be. */
export function releaseRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['releases'], summary });
  const operator = async (request: Request) => (await authorise(coordinator, request, 'release')).actor;
  return new Elysia({ name: 'releases', prefix: '/api/v1' })
    .get(
      '/release-keys',
      async ({ request }) => {
        await authorise(coordinator, request, 'read');
        return viewKeys(await releaseKeys(coordinator.database));
      },
      {
        response: answers({ 200: Keys }, 401, 403, 409),
        detail: detail('Keys whose releases are taken'),
      },
    )
    .put(
      '/release-keys',
      async ({ request, body }) => {
        const { actor } = await authorise(coordinator, request, 'admin');
        const file = new TextEncoder().encode(JSON.stringify(body));
        return viewKeys((await setReleaseKeys(coordinator, actor, file)).trusted);
      },
      {
        body: t.Array(t.Unknown(), { minItems: 1, description: 'the key set file of an image' }),
        response: answers({ 200: Keys }, 400, 401, 403),
        detail: detail('Say whose releases are taken; later ones have to follow from the first'),
      },
    )
    .get(
      '/releases',
      async ({ request, query }) => {
        await authorise(coordinator, request, 'read');
        return { releases: await listReleases(coordinator, query) };
      },
      {
        query: t.Object({ channel: t.Optional(Channel), limit: PageSize }),
        response: answers({ 200: t.Object({ releases: t.Array(t.Object(ReleaseFields)) }) }, 400, 401, 403),
        detail: detail('Releases, newest first'),
      },
    )
    .post(
      '/releases',
      async ({ request, body }) => {
        const { notes = '', floors = [] } = body;
        const actor = await operator(request);
        return viewRelease(await createRelease(coordinator, actor, { ...body, notes, floors }));
      },
      {
        body: t.Object({ bundle_sha256: Sha256, ...ReleaseFacts.properties }, strict),
        response: answers({ 200: t.Object(ReleaseFields) }, 400, 401, 403, 404, 409),
        detail: detail('Make a release of an uploaded bundle'),
      },
    )
    .get(
      '/releases/:id',
      async ({ request, params }) => {
        await authorise(coordinator, request, 'read');
        return await readRelease(coordinator, params.id);
      },
      {
        params: t.Object({ id: Id }),
        response: answers(
          {
            200: t.Object({
              ...ReleaseFields,
              ...{ files: t.Array(t.Object(FileFields)), field: t.Array(Field) },
              vulnerabilities: Nullable(Vulnerabilities),
            }),
          },
          ...([401, 403, 404] as const),
        ),
        detail: detail(
          'One release, its files, what it costs each version in the field, and what is known against it',
        ),
      },
    )
    .get(
      '/releases/:id/sbom',
      async ({ request, params }) => {
        await authorise(coordinator, request, 'read');
        const { bundle_sha256 } = await findRelease(coordinator.database, params.id);
        const source = coordinator.artifacts.open(bundle_sha256);
        try {
          const bill = new Uint8Array(await readSbom(source));
          return new Response(bill, { headers: { 'content-type': 'application/vnd.cyclonedx+json' } });
        } finally {
          await source.close();
        }
      },
      {
        params: t.Object({ id: Id }),
        detail: {
          ...detail('The bill of materials of a release, as it was signed'),
          responses: { 200: raw('application/vnd.cyclonedx+json', 'CycloneDX') },
        },
      },
    )
    .put(
      '/releases/:id/vulnerabilities',
      async ({ request, params, body }) => {
        await keepReport(coordinator, await operator(request), params.id, body);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params: t.Object({ id: Id }), body: VulnerabilityReport },
        response: answers({ 204: t.Void() }, 400, 401, 403, 404),
        detail: detail('Put on record what came of comparing it with a feed of vulnerabilities'),
      },
    )
    .post(
      '/releases/:id/files',
      async ({ request, params, body }) => {
        const { suffix, sha256, size_bytes, base_version } = await addReleaseFile(
          coordinator,
          await operator(request),
          params.id,
          body.sha256,
        );
        return { suffix, sha256, size_bytes, base_version };
      },
      {
        ...{ params: t.Object({ id: Id }), body: t.Object({ sha256: Sha256 }, strict) },
        response: answers({ 200: t.Object(FileFields) }, 400, 401, 403, 404, 409),
        detail: detail('Lay an uploaded delta, or the blocks, beside a release'),
      },
    )
    .post(
      '/releases/:id/withdraw',
      async ({ request, params, body }) => {
        await withdrawRelease(coordinator, await operator(request), params.id, body.reason);
        return new Response(null, { status: 204 });
      },
      {
        params: t.Object({ id: Id }),
        body: t.Object({ reason: t.String({ minLength: 1, maxLength: 500 }) }, strict),
        response: answers({ 204: t.Void() }, 400, 401, 403, 404, 409),
        detail: detail('Take a release back: nobody is brought to it any more'),
      },
    );
}

function viewKeys({ keyset }: TrustedKeys): Static<typeof Keys> {
  const { version, issued_at, keys, revoked } = keyset;
  return {
    ...{ version, issued_at, revoked: revoked.map(({ id }) => id) },
    keys: keys.map(({ id, roles, not_after = null }) => ({ id, roles: [...roles], not_after })),
  };
}

import { type TSchema, Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import {
  FINDING_SEVERITIES,
  SITE_HEALING_MODES,
  SITE_HEALING_STATES,
  SiteHealing,
  SiteReport,
} from '../../protocol/messages/site-report.ts';
import type { Coordinator } from '../context.ts';
import { readDevice } from '../devices/list.ts';
import { authorise } from '../people/authorise.ts';
import { countFindings, listFindings } from '../site/findings.ts';
import { listSites, readSite, summariseSites } from '../site/read.ts';
import { answers, Id, Nullable, PageSize, TimeMs } from './parts.ts';

const count = t.Integer();
const countsOf = (names: readonly string[]) =>
  t.Object(Object.fromEntries(names.map((name): [string, TSchema] => [name, count])));
const Severities = countsOf(FINDING_SEVERITIES);
const Sensors = t.Object({ live: count, silent: count, waiting: count });

const FindingFields = t.Object({
  ...{ id: Id, device_id: Id, device_name: t.String() },
  finding: t.String({ description: 'as the appliance calls it' }),
  ...{ subject: t.String(), hostname: t.String(), check_type: t.String(), control: Nullable(t.String()) },
  ...{ severity: OneOf(FINDING_SEVERITIES), opened_ms: TimeMs },
  first_ms: t.Integer({ description: 'when it was first told here' }),
  closed_ms: Nullable(TimeMs),
});
const SiteFields = {
  ...{ device_id: Id, name: t.String(), received_ms: TimeMs, mode: OneOf(SITE_HEALING_MODES) },
  ...{ sensors: Sensors, open: Severities },
};
const DeviceSiteFields = t.Object({
  ...{ ...SiteFields, observed_ms: TimeMs, report: t.Omit(SiteReport, ['healings']) },
  findings: t.Array(FindingFields),
  healings: t.Array(t.Object({ ...SiteHealing.properties, received_ms: TimeMs })),
});

/** `check_type`, `subject`: as appliances and sensors name them. */
const Name = t.String({ minLength: 1, maxLength: 64, pattern: '^[a-z0-9_.-]+$' });
const TagText = t.String({
  pattern: '^[a-z0-9][a-z0-9._-]{0,62}=.{0,200}$',
  description: 'of the appliance, name=value',
});
export const FindingFilter = t.Object({
  state: t.Optional(OneOf(['open', 'closed'])),
  severity: t.Optional(OneOf(FINDING_SEVERITIES)),
  ...{ subject: t.Optional(Name), check: t.Optional(Name), device: t.Optional(Id), tag: t.Optional(TagText) },
});

/** `site=berlin` in its two parts. */
export function tagOf(text: string | undefined): readonly [string, string] | undefined {
  if (text === undefined) return undefined;
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** What appliances see of the sites they stand in. */
export function siteRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['sites'], summary });
  return new Elysia({ name: 'sites', prefix: '/api/v1' })
    .get(
      '/devices/:id/site',
      async ({ request, params: { id } }) => {
        await authorise(coordinator, request, 'read');
        await readDevice(coordinator, id);
        return { site: await readSite(coordinator, id) };
      },
      {
        params: t.Object({ id: Id }),
        response: answers({ 200: t.Object({ site: Nullable(DeviceSiteFields) }) }, 401, 403, 404),
        detail: detail('What an appliance sees of its site; null: it has told nothing'),
      },
    )
    .get(
      '/findings',
      async ({ request, query: { before, limit = 100, tag, ...query } }) => {
        await authorise(coordinator, request, 'read');
        const wanted = { ...query, tag: tagOf(tag) };
        return {
          counts: await countFindings(coordinator, wanted),
          findings: await listFindings(coordinator, { ...wanted, before, limit }),
        };
      },
      {
        query: t.Object({ ...FindingFilter.properties, before: t.Optional(Id), limit: PageSize }),
        response: answers(
          { 200: t.Object({ counts: Severities, findings: t.Array(FindingFields) }) },
          ...([400, 401, 403] as const),
        ),
        detail: detail('Findings of the fleet, newest first: open ones, or those that were closed'),
      },
    )
    .get(
      '/site',
      async ({ request, query: { after, limit = 100 } }) => {
        await authorise(coordinator, request, 'read');
        return { sites: await listSites(coordinator, { after, limit }) };
      },
      {
        query: t.Object({ after: t.Optional(Id), limit: PageSize }),
        response: answers({ 200: t.Object({ sites: t.Array(t.Object(SiteFields)) }) }, 400, 401, 403),
        detail: detail('Sites in numbers, by appliance'),
      },
    )
    .get(
      '/site/summary',
      async ({ request }) => {
        await authorise(coordinator, request, 'read');
        return await summariseSites(coordinator);
      },
      {
        response: answers(
          {
            200: t.Object({
              ...{ sites: count, sensors: Sensors, open: Severities },
              ...{ modes: countsOf(SITE_HEALING_MODES), healings: countsOf(SITE_HEALING_STATES) },
            }),
          },
          ...([401, 403] as const),
        ),
        detail: detail('All sites together'),
      },
    );
}

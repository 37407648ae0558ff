import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { BulkheadError } from '../../base/errors.ts';
import { wantsPage } from '../http-policy.ts';
import { raw } from '../openapi.ts';
import { httpStatusOf, problemBody } from '../problem.ts';
import { ADMIT_PATH, filledIn, isFormProblem, readAdmission } from './form.ts';
import { renderSitePage } from './page.tsx';
import { SiteReport, TIERS } from './report.ts';
import { ADMISSION_REFUSALS, type SiteReader } from './source.ts';

/** Addresses whose answer is the page with the form. */
export const SITE_PAGES = ['/site', ADMIT_PATH];
export const SITE_ROUTES = [...SITE_PAGES, '/api/v1/site'];

const HTML = { 'content-type': 'text/html; charset=utf-8' };
const backToPage = () => new Response(null, { status: 303, headers: { location: '/site#waiting' } });

/** For the description alone: the form is read in form.ts. */
const Form = t.Object({
  fingerprint: t.String({ pattern: '^[0-9a-f]{8,64}$', description: 'of a sensor that waits' }),
  tier: t.Union(TIERS.map((name) => t.Literal(name))),
  console_code: t.String({ pattern: '^\\d{6}$', description: 'stands on the screen of the appliance' }),
});

/** The site as a page and as JSON, and the one form of this server. */
export function siteRoutes(reader: SiteReader) {
  return new Elysia({ name: 'status-site' })
    .model({ SiteReport })
    .get('/site', async () => new Response(renderSitePage(await reader.report(), null), { headers: HTML }), {
      detail: {
        tags: ['people'],
        summary: 'Sensors, findings, healing and evidence; who waits is let in here',
        responses: { 200: raw('text/html', 'the page'), 503: raw('text/html', 'the page says what failed') },
      },
    })
    .get('/api/v1/site', async () => Response.json(await reader.report()), {
      response: { 200: 'SiteReport' },
      detail: { tags: ['programs'], summary: 'Sensors, findings, healing and evidence' },
    })
    .get(ADMIT_PATH, backToPage, {
      detail: { hide: true },
    })
    .post(
      ADMIT_PATH,
      async ({ request }) => {
        const form = new URLSearchParams(await request.text());
        try {
          await reader.admit(readAdmission(form));
          return backToPage();
        } catch (error) {
          if (!isFormProblem(error)) throw error;
          const status = ADMISSION_REFUSALS[error.code] ?? httpStatusOf(error);
          if (!wantsPage(request)) return Response.json(problemBody(error), { status });
          return new Response(await refusedPage(reader, form, error), { status, headers: HTML });
        }
      },
      {
        parse: 'none',
        detail: {
          tags: ['people'],
          summary: 'Lets in a sensor that waits',
          description:
            'The form of /site. Taken only from a page of this appliance (Sec-Fetch-Site, Origin), and only with the code on its screen.',
          requestBody: {
            required: true,
            content: { 'application/x-www-form-urlencoded': { schema: Form as object } },
          },
          responses: {
            303: { description: 'it is let in at its next try; back to /site' },
            403: raw('text/html', 'STATUS_FORM_ORIGIN, SENSOR_CONSOLE_CODE'),
            409: raw('text/html', 'SENSOR_NOT_WAITING'),
            413: raw('text/html', 'STATUS_FORM_SIZE'),
            415: raw('text/html', 'STATUS_FORM_TYPE'),
            422: raw('text/html', 'STATUS_FORM_FIELD'),
            429: raw('text/html', 'SENSOR_CONSOLE_LOCKED'),
            503: raw('text/html', 'STATUS_SITE_FAILED'),
          },
        },
      },
    );
}

/** The page once more, with what was wrong and what was filled in. */
async function refusedPage(reader: SiteReader, form: URLSearchParams, { message, hint }: BulkheadError) {
  return renderSitePage(await reader.report(), { filled: filledIn(form), message, hint: hint ?? null });
}

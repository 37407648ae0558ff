import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import { raw } from '../openapi.ts';
import { renderCompliancePage } from './page.tsx';
import { CONTROL_STATES, ComplianceReport, FRAMEWORK_NAMES, filterControls, readFilter } from './report.ts';
import type { ComplianceReader } from './source.ts';

/** Addresses whose query means something. */
export const COMPLIANCE_QUERIES = ['/compliance', '/api/v1/compliance'];
export const COMPLIANCE_ROUTES = [...COMPLIANCE_QUERIES, '/compliance.csv', '/compliance.pdf'];

const Query = t.Object({
  framework: t.Optional(OneOf(FRAMEWORK_NAMES, { description: 'only controls that serve it' })),
  state: t.Optional(OneOf(CONTROL_STATES, { description: 'only controls in this state' })),
});

/** Compliance as a page, as JSON, and as files; reads only. */
export function complianceRoutes(reader: ComplianceReader) {
  return new Elysia({ name: 'status-compliance' })
    .model({ ComplianceReport })
    .get(
      '/compliance',
      async ({ request }) => {
        const html = renderCompliancePage(await reader.report(), filterOf(request));
        return new Response(html, { headers: { 'content-type': 'text/html; charset=utf-8' } });
      },
      {
        detail: {
          tags: ['people'],
          summary: 'How far the appliance is what it has to be',
          parameters: parameters(),
          responses: {
            200: raw('text/html', 'the page'),
            503: raw('text/html', 'the page says what failed'),
          },
        },
      },
    )
    .get(
      '/api/v1/compliance',
      async ({ request }) => {
        const report = await reader.report();
        return Response.json({ ...report, controls: filterControls(report.controls, filterOf(request)) });
      },
      {
        response: { 200: 'ComplianceReport' },
        detail: {
          tags: ['programs'],
          summary: 'Controls, rates, machines, open findings and history',
          description: 'A word that is no framework or state filters nothing.',
          parameters: parameters(),
        },
      },
    )
    .get('/compliance.csv', async () => download(await reader.csv(), 'text/csv; charset=utf-8', 'csv'), {
      detail: {
        tags: ['people'],
        summary: 'Every result as CSV (RFC 4180)',
        responses: { 200: raw('text/csv', 'a line a result') },
      },
    })
    .get('/compliance.pdf', async () => download(await reader.pdf(), 'application/pdf', 'pdf'), {
      detail: {
        tags: ['people'],
        summary: 'The report as PDF',
        responses: { 200: raw('application/pdf', 'to hand over') },
      },
    });
}

function filterOf(request: Request) {
  return readFilter(new URL(request.url).searchParams);
}

/** For the description alone: what filters is read leniently. */
function parameters() {
  return Object.entries(Query.properties).map(([name, schema]) => ({
    ...{ name, in: 'query' as const, required: false },
    schema: {
      type: 'string' as const,
      enum: (schema['anyOf'] as { const: string }[]).map((each) => each.const),
    },
  }));
}

function download(content: Uint8Array, type: string, ending: string): Response {
  const headers = {
    'content-type': type,
    'content-disposition': `attachment; filename="compliance.${ending}"`,
  };
  return new Response(new Blob([new Uint8Array(content)]), { headers });
}

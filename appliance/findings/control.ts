import { Type as t } from '@sinclair/typebox';
import { Elysia, t as elysia } from 'elysia';
import { BulkheadError } from '../../base/errors.ts';
import { OneOf } from '../../base/schema.ts';
import type { FindingCounts, Findings } from './findings.ts';
import { FIND_LIMIT_MAX } from './limits.ts';

const Page = {
  subject: t.Optional(t.String({ maxLength: 64 })),
  check_type: t.Optional(t.String({ maxLength: 64 })),
  limit: elysia.Optional(elysia.Numeric({ minimum: 1, maximum: FIND_LIMIT_MAX, multipleOf: 1 })),
  before: t.Optional(t.String({ maxLength: 64 })),
};

/** What the control socket tells of findings and events, and how an operator closes a finding. */
export function findingsControl(findings: Findings) {
  return new Elysia({ name: 'findings-control' })
    .get('/v1/findings', ({ query }) => ({ findings: findings.find(query) }), {
      query: t.Object({ ...Page, state: t.Optional(OneOf(['open', 'closed'])) }),
    })
    .get('/v1/findings/counts', (): FindingCounts => findings.counts())
    .get('/v1/events', ({ query }) => ({ events: findings.events(query) }), { query: t.Object(Page) })
    .post(
      '/v1/findings/:id/close',
      async ({ params }) => {
        const finding = await findings.settle(params.id, 'operator');
        if (finding === null)
          throw new BulkheadError('FINDING_UNKNOWN', `there is no open finding ${params.id}`, {
            hint: "'bulkhead findings list' shows those that are open",
          });
        return finding;
      },
      { params: t.Object({ id: t.String({ maxLength: 64 }) }) },
    );
}

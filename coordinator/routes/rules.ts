import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { BulkheadError } from '../../base/errors.ts';
import { RULE_FILE_MAX_BYTES } from '../../protocol/healing/limits.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import { currentRules, listRules, publishRules } from '../rules/rules.ts';
import { answers, TimeMs } from './parts.ts';

const RuleSetFields = t.Object({
  ...{
    version: t.Integer(),
    note: t.String(),
    rules: t.Array(t.String()),
    switched_off: t.Array(t.String()),
  },
  ...{ published_ms: TimeMs, published_by: t.String() },
});

/** Healing rules: published by people, fetched by appliances. */
export function ruleRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['rules'], summary });
  return new Elysia({ name: 'rules' })
    .get(
      '/api/v1/rules',
      async ({ request }) => {
        await authorise(coordinator, request, 'read');
        return { rule_sets: await listRules(coordinator) };
      },
      {
        response: answers({ 200: t.Object({ rule_sets: t.Array(RuleSetFields) }) }, 401, 403),
        detail: detail('Published versions of the healing rules, newest first'),
      },
    )
    .post(
      '/api/v1/rules',
      async ({ request, body }) => {
        const { actor } = await authorise(coordinator, request, 'rollout');
        return await publishRules(coordinator, actor, body.file);
      },
      {
        body: t.Object(
          { file: t.String({ maxLength: RULE_FILE_MAX_BYTES, description: 'rules in YAML or JSON' }) },
          { additionalProperties: false },
        ),
        response: answers({ 200: RuleSetFields }, 400, 401, 403),
        detail: detail('Publish healing rules under the next version'),
      },
    )
    .get(
      '/agent/rules',
      async () => {
        const envelope = await currentRules(coordinator);
        if (envelope) return Response.json(envelope);
        throw new BulkheadError('RULES_NONE', 'no healing rules were ever published', {
          hint: 'bulkhead-coordinator rules publish FILE',
        });
      },
      {
        response: answers(
          { 200: t.Unknown({ description: 'a DSSE envelope, see the reference of healing rules' }) },
          404,
        ),
        detail: { ...detail('The newest rules as they were signed; no secret'), security: [] },
      },
    );
}

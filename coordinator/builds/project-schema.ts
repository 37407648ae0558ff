import { type Static, Type as t } from '@sinclair/typebox';
import { OneOf } from '../../base/schema.ts';
import { COMMAND_MAX, JOB_TIMEOUT_MAX_S, RULES_MAX } from './limits.ts';

export const SERVICES = ['github', 'gitlab', 'gitea'] as const;
export type Service = (typeof SERVICES)[number];

export const Ref = t.String({
  pattern: '^refs/(heads|tags)/[A-Za-z0-9][A-Za-z0-9._/+-]{0,200}$',
  description: 'such as refs/heads/main',
});
export const Commit = t.String({
  pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$',
  description: 'SHA-1 or SHA-256, hexadecimal',
});
const Channel = t.String({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$' });
const ProjectName = t.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' });

/** What becomes of a push: the first rule that fits counts. */
export const BuildRule = t.Object(
  {
    ref: t.String({
      pattern: '^refs/(heads|tags)/[A-Za-z0-9*][A-Za-z0-9._/+*-]{0,200}$',
      description: '* stands for any characters',
    }),
    channel: Channel,
    command: t.String({ minLength: 1, maxLength: COMMAND_MAX, description: 'run by sh in the checkout' }),
  },
  { additionalProperties: false },
);
export type BuildRule = Static<typeof BuildRule>;

export const ProjectRequest = t.Object(
  {
    ...{ name: ProjectName, service: OneOf(SERVICES) },
    repository: t.String({
      maxLength: 1000,
      pattern: '^(https?|ssh|file)://[^\\s]+$',
      description: 'where workers fetch it',
    }),
    rules: t.Array(BuildRule, { minItems: 1, maxItems: RULES_MAX }),
    timeout_s: t.Optional(t.Integer({ minimum: 10, maximum: JOB_TIMEOUT_MAX_S })),
  },
  { additionalProperties: false },
);
export type ProjectRequest = Static<typeof ProjectRequest>;

/** The rule for a ref; undefined: it is not built. */
export function ruleFor(rules: readonly BuildRule[], ref: string): BuildRule | undefined {
  return rules.find((rule) => fits(rule.ref, ref));
}

/** Without a pattern of its own making: what is between the stars is looked for, from left to right. */
function fits(pattern: string, ref: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (!ref.startsWith(first)) return false;
  const last = rest.pop();
  if (last === undefined) return ref === pattern;
  let at = first.length;
  for (const part of rest) {
    const found = ref.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return ref.length - last.length >= at && ref.endsWith(last);
}

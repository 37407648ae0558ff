import { createHash } from 'node:crypto';
import { type TSchema, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { Push } from '../builds/jobs.ts';
import { Commit, Ref, type Service } from '../builds/project-schema.ts';
import { requestInvalid } from '../server/problem.ts';

/** What a request of a Git service says. */
export interface GitEvent {
  /** As the service names it; the same when it sends it again. */
  delivery: string;
  event: string;
  /** Null: there is nothing to build, for `reason`. */
  push: Push | null;
  reason: string | null;
}

const NAME_MAX = 100;

/** Fields that each service names its event and its delivery by, and which of its events are pushes. */
const SERVICES: Readonly<
  Record<Service, { event: string; delivery: readonly string[]; pushes: readonly string[] }>
> = {
  github: { event: 'x-github-event', delivery: ['x-github-delivery'], pushes: ['push'] },
  // The first is the same when GitLab tries again; older ones have the second.
  gitlab: {
    event: 'x-gitlab-event',
    delivery: ['idempotency-key', 'x-gitlab-event-uuid'],
    pushes: ['Push Hook', 'Tag Push Hook'],
  },
  gitea: { event: 'x-gitea-event', delivery: ['x-gitea-delivery'], pushes: ['push'] },
};

const Payload = t.Object({
  ref: t.String(),
  after: t.String(),
  /** GitHub: the commit, where `after` may be an annotated tag. */
  head_commit: t.Optional(t.Union([t.Object({ id: t.String() }), t.Null()])),
  /** GitLab: the same. */
  checkout_sha: t.Optional(t.Union([t.String(), t.Null()])),
});

const NO_COMMIT = /^0+$/;

/**
 * @param body genuine
 * @throws BulkheadError REQUEST_INVALID
 */
export function readEvent(
  service: Service,
  field: (name: string) => string | null,
  body: Uint8Array,
): GitEvent {
  const { event: named, delivery: ids, pushes } = SERVICES[service];
  const event = field(named)?.slice(0, NAME_MAX);
  if (event === undefined) throw requestInvalid(`the field ${named} is missing`);
  const given = ids.map(field).find((id) => id !== null);
  // Older services name no delivery: one that is sent again has the same body.
  const delivery = given?.slice(0, NAME_MAX) ?? createHash('sha256').update(body).digest('hex');
  const ignored = (reason: string): GitEvent => ({ delivery, event, push: null, reason });
  if (!pushes.includes(event)) return ignored(`'${event}' is no push`);
  const payload = parsePayload(body);
  const commit_sha = payload.checkout_sha ?? payload.head_commit?.id ?? payload.after;
  if (NO_COMMIT.test(payload.after) || NO_COMMIT.test(commit_sha))
    return ignored(`${payload.ref.slice(0, NAME_MAX)} was deleted`);
  if (!fits(Ref, payload.ref) || payload.ref.includes('..')) return ignored('the name of the ref is unusual');
  if (!fits(Commit, commit_sha)) throw requestInvalid('the push names no commit');
  return { delivery, event, push: { ref: payload.ref, commit_sha }, reason: null };
}

function parsePayload(body: Uint8Array) {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw requestInvalid('the body is no JSON; the webhook has to send application/json', cause);
  }
  if (Value.Check(Payload, value)) return value;
  const first = Value.Errors(Payload, value).First();
  throw requestInvalid(`the push does not fit: ${first?.path ?? ''} ${first?.message ?? 'invalid'}`);
}

const fits = (schema: TSchema, value: unknown) => Value.Check(schema, value);

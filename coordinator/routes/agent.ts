import { type Static, type TSchema, Type as t } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { Elysia } from 'elysia';
import { describeError } from '../../base/errors.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import {
  CheckpointAnswer,
  CheckpointMessage,
  SegmentAnswer,
  SegmentMessage,
} from '../../protocol/evidence/messages.ts';
import { AgentProblem, EnrolmentAnswer, ReportAnswer } from '../../protocol/messages/answers.ts';
import { EnrolmentRequest, KeyRotation } from '../../protocol/messages/enrolment.ts';
import { Heartbeat, StateReport } from '../../protocol/messages/reports.ts';
import { SiteAnswer, SiteReport } from '../../protocol/messages/site-report.ts';
import { OrderLogPiece, OrderResult } from '../../protocol/orders/result.ts';
import type { Coordinator } from '../context.ts';
import { enrol } from '../devices/enrol.ts';
import { nextHeartbeat_s } from '../devices/presence.ts';
import { rotateKey } from '../devices/rotate.ts';
import { takeCheckpoint } from '../evidence/checkpoints.ts';
import { takeSegment } from '../evidence/segments.ts';
import { NEW_DEVICE_BURST, NEW_DEVICE_REFILL_PER_S } from '../limits.ts';
import { takeLog, takeResult } from '../orders/results.ts';
import { addressSubject } from '../people/lockout.ts';
import { type Claim, Replayed } from '../reports/claim.ts';
import type { HeartbeatQueue } from '../reports/heartbeats.ts';
import { createRateLimit, TooMany } from '../reports/rate-limit.ts';
import type { Receiver } from '../reports/receive.ts';
import type { SessionKeys } from '../reports/session-keys.ts';
import { takeState } from '../reports/state.ts';
import { asProblem, requestInvalid } from '../server/problem.ts';
import { refuse } from '../server/respond.ts';
import { takeSiteReport } from '../site/take-report.ts';
import type { AddressOf } from './parts.ts';

export interface AgentParts {
  receiver: Receiver;
  heartbeats: HeartbeatQueue;
  sessionKeys: SessionKeys;
}

/** What differs from one answer to the next. */
type Facts = Pick<ReportAnswer, 'orders' | 'send_state' | 'session_key'>;

const Taken = t.Object({ server_time_ms: t.Integer() });

/**
 * What appliances call. Bodies are read as bytes: what was signed is what is parsed, and nothing is parsed before its signature
 * has been checked.
 */
export function agentRoutes(
  coordinator: Coordinator,
  { receiver, heartbeats, sessionKeys }: AgentParts,
  addressOf: AddressOf,
) {
  const { metrics, settings, now_ms } = coordinator;
  const newcomers = createRateLimit(
    { burst: NEW_DEVICE_BURST, refill_per_s: NEW_DEVICE_REFILL_PER_S },
    now_ms,
  );
  const taken = () => Response.json({ server_time_ms: now_ms() });
  const answerReport = (agent_version: string, facts: Facts) => {
    const outdated = isOutdated(agent_version, settings.agent_min_version);
    return Response.json(
      {
        ...{
          server_time_ms: now_ms(),
          next_heartbeat_s: nextHeartbeat_s(settings.heartbeat_interval_s, Math.random()),
        },
        ...{ ...facts, agent: outdated ? 'outdated' : 'current' },
      },
      { status: outdated ? 202 : 200 },
    );
  };
  /** Refusals in the form of all, with the time here, counted by their code. */
  const guard = async (kind: string, act: () => Promise<Response>): Promise<Response> => {
    try {
      const response = await act();
      metrics.reported(kind);
      return response;
    } catch (error) {
      const problem = asProblem(error);
      metrics.refused(problem.code);
      if (problem.code === 'COORDINATOR_INTERNAL')
        coordinator.log.error('a request of an appliance failed', { kind, error: describeError(error) });
      const last = error instanceof Replayed ? { last_sequence: error.last_sequence } : {};
      return refuse(problem, { server_time_ms: now_ms(), ...last });
    }
  };
  /** A signed request with a body of one schema. */
  const signed = <S extends TSchema>(
    kind: string,
    schema: S,
    act: (claim: Claim, body: Static<S>, id: string) => Promise<Response>,
    { sessions = false } = {},
  ) => {
    const check = TypeCompiler.Compile(schema);
    return ({ request, params }: { request: Request; params?: object }) =>
      guard(kind, async () => {
        const bytes = new Uint8Array(await request.arrayBuffer());
        const address = addressOf(request);
        const claim = await receiver.receive(request, bytes, address, sessions);
        const id = (params as { id?: string } | undefined)?.id ?? '';
        try {
          return await act(claim, parseBody(check, bytes), id);
        } catch (error) {
          if (error instanceof Replayed) receiver.replayed(claim, address);
          throw error;
        }
      });
  };
  const takeHeartbeat = async (claim: Claim, body: Heartbeat) => {
    const { orders, known_digest } = await heartbeats.take(claim, body);
    const send_state = known_digest === null || known_digest !== body.state_digest;
    // A session key does not prolong itself: whoever has one would have it for ever.
    const wish = claim.inSession ? undefined : body.session_key_for;
    const session_key = wish === undefined ? undefined : sessionKeys.grant(claim.key_id, wish);
    return answerReport(body.agent_version, { orders, send_state, ...(session_key && { session_key }) });
  };
  const checkEnrolment = TypeCompiler.Compile(EnrolmentRequest);
  const describe = (summary: string, body: TSchema, given: Record<number, TSchema>) => ({
    parse: 'none' as const,
    detail: {
      ...{ tags: ['agent'], summary, security: [] },
      requestBody: { required: true, content: { 'application/json': { schema: body as never } } },
      responses: { ...responsesOf(given), ...REFUSALS } as never,
    },
  });
  return new Elysia({ name: 'agent', prefix: '/agent' })
    .post(
      '/enrol',
      ({ request }) =>
        guard('enrol', async () => {
          const bytes = new Uint8Array(await request.arrayBuffer());
          // The key is in the body: it has to be read first, and is believed only with its signature.
          const body = parseBody(checkEnrolment, bytes);
          const key_id = deviceIdOf(Buffer.from(body.public_key, 'base64'));
          const address = addressOf(request);
          receiver.receiveNew(request, bytes, address, { key_id, public_key: body.public_key });
          const answer = await enrol(coordinator, body, address, () => {
            const wait_s = newcomers.take(addressSubject(address));
            if (wait_s > 0)
              throw new TooMany('too many new appliances of this address wait for approval', wait_s);
          });
          return Response.json(answer, { status: answer.state === 'approved' ? 200 : 202 });
        }),
      describe('Bring a key and ask to be let in', EnrolmentRequest, {
        200: EnrolmentAnswer,
        202: EnrolmentAnswer,
      }),
    )
    .post(
      '/heartbeat',
      signed('heartbeat', Heartbeat, takeHeartbeat, { sessions: true }),
      describe('Nothing has changed; fetch orders', Heartbeat, { 200: ReportAnswer, 202: ReportAnswer }),
    )
    .post(
      '/state',
      signed('state', StateReport, async (claim, body) => {
        await takeState(coordinator, claim, body);
        return answerReport(body.fingerprint.agent_version, { orders: [], send_state: false });
      }),
      describe('Something has changed', StateReport, { 200: ReportAnswer, 202: ReportAnswer }),
    )
    .post(
      '/rotate-key',
      signed('rotate_key', KeyRotation, async (claim, body) => {
        const key_id = await rotateKey(coordinator, claim, body);
        return Response.json({ key_id, server_time_ms: now_ms() });
      }),
      describe('Go over to a new key', KeyRotation, {
        200: t.Object({ key_id: t.String(), ...Taken.properties }),
      }),
    )
    .post(
      '/orders/:id/result',
      signed('order_result', OrderResult, async (claim, body, id) => {
        await takeResult(coordinator, claim, id, body);
        return taken();
      }),
      describe('What became of an order', OrderResult, { 200: Taken }),
    )
    .post(
      '/orders/:id/log',
      signed('order_log', OrderLogPiece, async (claim, body, id) => {
        await takeLog(coordinator, claim, id, body);
        return taken();
      }),
      describe('One piece of the log of an order', OrderLogPiece, { 200: Taken }),
    )
    .post(
      '/site',
      signed('site', SiteReport, async (claim, body) => {
        await takeSiteReport(coordinator, claim, body);
        return taken();
      }),
      describe('What it sees of its site', SiteReport, { 200: SiteAnswer }),
    )
    .post(
      '/evidence/checkpoint',
      signed('evidence_checkpoint', CheckpointMessage, async (claim, body) => {
        const countersignature = await takeCheckpoint(coordinator, claim, body);
        return Response.json({ countersignature, server_time_ms: now_ms() });
      }),
      describe('How far the evidence has come', CheckpointMessage, { 200: CheckpointAnswer }),
    )
    .post(
      '/evidence/segment',
      signed('evidence_segment', SegmentMessage, async (claim, body) => {
        const progress = await takeSegment(coordinator, claim, body);
        return Response.json({ ...progress, server_time_ms: now_ms() });
      }),
      describe('One piece of a finished segment of evidence', SegmentMessage, { 200: SegmentAnswer }),
    );
}

/** @throws BulkheadError REQUEST_INVALID */
function parseBody<S extends TSchema>(check: TypeCheck<S>, bytes: Uint8Array): Static<S> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw requestInvalid('the body is no JSON', cause);
  }
  if (check.Check(value)) return value;
  const first = check.Errors(value).First();
  throw requestInvalid(`the body does not fit: ${first?.path || '/'}: ${first?.message ?? 'invalid'}`);
}

/** What is no version is older than any: whoever sends it cannot say how old it is. */
function isOutdated(version: string, minimum: string | null): boolean {
  if (minimum === null) return false;
  try {
    return Bun.semver.order(version, minimum) < 0;
  } catch {
    // Not a version.
    return true;
  }
}

function responsesOf(given: Record<number, TSchema>) {
  return Object.fromEntries(
    Object.entries(given).map(([status, schema]) => [
      status,
      {
        description: status === '202' ? 'taken; see the answer' : 'taken',
        content: { 'application/json': { schema } },
      },
    ]),
  );
}

const REFUSALS = Object.fromEntries(
  Object.entries({
    400: 'malformed',
    401: 'signature missing or wrong, time outside the window, other host, key unknown or revoked',
    403: 'refused by an operator',
    409: 'replayed, or it does not fit what is there',
    429: 'too many; Retry-After says when',
  }).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: AgentProblem } } },
  ]),
);

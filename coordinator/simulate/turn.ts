import { Type as t } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { BulkheadError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { EnrolmentAnswer, ReportAnswer } from '../../protocol/messages/answers.ts';
import { openOrder } from '../../protocol/orders/order.ts';
import { sessionSigner, wishForSessionKey } from '../../protocol/session-key/session-key.ts';
import { type Act, actsOf, type Odds, type ReportReason } from './acts.ts';
import { addActs, type Box, bootInto, endAct, fingerprintFor, siteDueOf } from './box.ts';
import { deviceSigner, enrolmentFacts, keyOf, machineOf } from './identity.ts';
import {
  ORDERS_REMEMBERED,
  RETRY_FIRST_MS,
  RETRY_MAX_MS,
  SESSION_RENEW_S,
  SITE_CHANGE_MS,
} from './limits.ts';
import type { Random } from './random.ts';
import { siteReportOf } from './site.ts';
import type { TallyKeeper } from './tally.ts';
import { Refused, type Wire } from './wire.ts';

/** What all appliances of a fleet share. */
export interface World {
  seed: string;
  hardware: string;
  odds: Odds;
  /** How long an update takes. */
  update_ms: number;
  /** Whether they ask for session keys. */
  sessions: boolean;
  /** How many of a hundred tell of a site. */
  sites_percent: number;
  /** A code that lets in an appliance; undefined: somebody has to. */
  codeFor(index: number): string | undefined;
  wire: Wire;
  tally: TallyKeeper;
  random: Random;
  /** As enrolment gave them: key id to raw public key. */
  orderKeys: Map<string, Uint8Array>;
}

const checkEnrolment = TypeCompiler.Compile(EnrolmentAnswer);
const checkReport = TypeCompiler.Compile(ReportAnswer);
const checkTaken = TypeCompiler.Compile(t.Object({ server_time_ms: t.Integer() }));

/** Does what is due for one appliance: one request. Never throws. */
export async function turn(box: Box, world: World): Promise<void> {
  const inSession = box.session !== null;
  try {
    await step(box, world);
    box.failures = 0;
  } catch (error) {
    if (error instanceof Refused) {
      world.tally.refused(error.code);
      afterRefusal(box, world, error, inSession);
    } else {
      if (error instanceof BulkheadError) world.tally.refused(error.code);
      else world.tally.tally.unanswered += 1;
      waitLonger(box, world);
    }
  }
}

function step(box: Box, world: World): Promise<void> {
  if (box.state === 'new' || box.state === 'waiting') return enrol(box, world);
  if (box.state === 'starting') return report(box, world, 'startup', box.heartbeat_ms);
  const [act] = box.acts;
  const act_ms = act ? box.act_ms : Number.POSITIVE_INFINITY;
  if (siteDueOf(box) < Math.min(act_ms, box.heartbeat_ms)) return tellSite(box, world);
  return act && box.act_ms <= box.heartbeat_ms ? perform(box, world, act) : heartbeat(box, world);
}

async function enrol(box: Box, world: World): Promise<void> {
  const { seed, hardware, wire, tally } = world;
  const { key_id, public_key } = keyOf(seed, box.index);
  box.key_id = key_id;
  const facts = enrolmentFacts(machineOf(seed, box.index), { version: box.version, hardware });
  const provision_code = world.codeFor(box.index);
  const body = {
    ...{ public_key, facts },
    ...(provision_code === undefined ? {} : { provision_code }),
  };
  const answer = await wire.post({ path: '/agent/enrol', body, ...deviceSigned(box, world) }, checkEnrolment);
  for (const { key_id, public_key } of answer.order_keys)
    world.orderKeys.set(key_id, Uint8Array.from(Buffer.from(public_key, 'base64')));
  if (box.state === 'waiting') tally.tally.waiting -= 1;
  if (answer.state === 'approved') {
    tally.tally.let_in += 1;
    box.state = 'starting';
    box.heartbeat_ms = wire.now_ms();
  } else {
    tally.tally.waiting += 1;
    box.state = 'waiting';
    // Not all of them in one moment.
    box.heartbeat_ms = wire.now_ms() + answer.retry_after_s * 1000 * (0.5 + world.random());
  }
}

/** @param observed_ms the same when an answer was lost and it is told again: by it the coordinator knows that it is this one report */
async function report(box: Box, world: World, reason: ReportReason, observed_ms: number): Promise<void> {
  const { wire, tally } = world;
  const fingerprint = fingerprintFor(box, world.seed);
  const body = {
    ...{
      reason,
      observed_at_ms: Math.floor(observed_ms),
      uptime_s: uptimeOf(box, wire.now_ms()),
      fingerprint,
    },
  };
  const answer = await wire.post({ path: '/agent/state', body, ...deviceSigned(box, world) }, checkReport);
  tally.tally.state_reports += 1;
  // From now on at any time: a fleet that was switched on in one moment would else be heard in one moment.
  box.heartbeat_ms = wire.now_ms() + answer.next_heartbeat_s * 1000 * world.random();
  box.state = 'live';
  const isFirst = box.site_ms === Number.POSITIVE_INFINITY;
  if (isFirst && hasSite(box, world)) {
    box.site_ms = wire.now_ms() + answer.next_heartbeat_s * 1000 * world.random();
  }
}

/** Spread over the fleet, and the same ones each time. */
function hasSite({ index }: Box, { sites_percent }: World): boolean {
  return Math.floor(((index + 1) * sites_percent) / 100) > Math.floor((index * sites_percent) / 100);
}

async function tellSite(box: Box, world: World): Promise<void> {
  const { wire, tally, seed } = world;
  const body = siteReportOf(seed, box.index, wire.now_ms());
  await wire.post({ path: '/agent/site', body, ...deviceSigned(box, world) }, checkTaken);
  tally.tally.site_reports += 1;
  box.site_ms = wire.now_ms() + SITE_CHANGE_MS;
}

async function heartbeat(box: Box, world: World): Promise<void> {
  const { wire, tally } = world;
  const now_ms = wire.now_ms();
  if (box.session && box.session.expires_s * 1000 - now_ms < SESSION_RENEW_S * 1000) box.session = null;
  const { session } = box;
  const wish = world.sessions && !session ? wishForSessionKey() : undefined;
  const body = {
    ...{ agent_version: VERSION, uptime_s: uptimeOf(box, now_ms), state_digest: box.digest },
    ...(box.update ? { update: box.update } : {}),
    ...(wish ? { session_key_for: wish.public_key } : {}),
  };
  const signed = session
    ? { signer: sessionSigner(session), sequence: nextSequence(box) }
    : deviceSigned(box, world);
  const sent_ms = performance.now();
  const answer = await wire.post({ path: '/agent/heartbeat', body, ...signed }, checkReport);
  tally.heartbeat(performance.now() - sent_ms, session !== null);
  box.heartbeat_ms = wire.now_ms() + answer.next_heartbeat_s * 1000;
  if (wish && answer.session_key) box.session = wish.take(answer.session_key, box.key_id) ?? null;
  for (const envelope of answer.orders) take(box, world, envelope);
  if (answer.send_state)
    addActs(box, [{ kind: 'report', reason: 'state_delta', after_ms: 0 }], wire.now_ms());
}

/** An order is done once, however often it comes. */
function take(box: Box, world: World, envelope: unknown): void {
  const { wire, orderKeys, tally } = world;
  const now_ms = wire.now_ms();
  try {
    const order = openOrder(envelope, orderKeys, { key_id: box.key_id, now_ms });
    const name = `${order.id}/${order.attempt}`;
    if (box.taken.includes(name)) return;
    box.taken = [...box.taken, name].slice(-ORDERS_REMEMBERED);
    tally.tally.orders.received += 1;
    addActs(box, actsOf(order, box, world), now_ms);
  } catch (error) {
    // An order that cannot be verified is none: nobody can be told what became of it.
    tally.refused(error instanceof BulkheadError ? error.code : 'ORDER_INVALID');
  }
}

async function perform(box: Box, world: World, act: Act): Promise<void> {
  const { wire, tally } = world;
  switch (act.kind) {
    case 'tell': {
      const body = { ...act.result, observed_at_ms: Math.floor(box.act_ms) };
      const path = `/agent/orders/${act.order_id}/result`;
      await wire.post({ path, body, ...deviceSigned(box, world) }, checkTaken);
      tally.tally.orders[act.result.state] += 1;
      break;
    }
    case 'log': {
      const { attempt, text } = act;
      const path = `/agent/orders/${act.order_id}/log`;
      await wire.post({ path, body: { attempt, offset: 0, text }, ...deviceSigned(box, world) }, checkTaken);
      break;
    }
    case 'progress':
      box.update = act.update;
      await heartbeat(box, world);
      break;
    case 'go_down':
      box.heartbeat_ms = Number.POSITIVE_INFINITY;
      break;
    case 'report':
      await report(box, world, act.reason, box.act_ms);
      break;
    case 'boot': {
      const reason = act.version === box.version ? 'startup' : 'deployment';
      bootInto(box, act.version, wire.now_ms());
      // What is left of it, should nobody answer: it boots once.
      const said: Act = { kind: 'report', reason, after_ms: act.after_ms };
      box.acts[0] = said;
      return await perform(box, world, said);
    }
    case 'vanish':
      box.state = 'gone';
      tally.tally.gone += 1;
      break;
  }
  endAct(box, wire.now_ms());
}

function afterRefusal(box: Box, world: World, refused: Refused, inSession: boolean): void {
  const { wire, tally } = world;
  const { code, last_sequence, retry_after_s } = refused;
  if (retry_after_s !== null) box.quiet_until_ms = wire.now_ms() + retry_after_s * 1000;
  else if (last_sequence !== undefined) box.sequence = Math.max(box.sequence, last_sequence);
  else if (code === 'AGENT_KEY_REVOKED' || code === 'DEVICE_REFUSED') {
    if (box.state === 'waiting') tally.tally.waiting -= 1;
    box.state = 'gone';
    tally.tally.gone += 1;
  } else if (inSession && /^(SESSION_KEY|SIGNATURE)_/.test(code)) box.session = null;
  else if (code === 'AGENT_KEY_UNKNOWN' || code === 'DEVICE_PENDING') {
    if (box.state === 'live' || box.state === 'starting') tally.tally.let_in -= 1;
    box.state = 'new';
    waitLonger(box, world);
  } else if (code.startsWith('ORDER_') && box.acts.length > 0) endAct(box, wire.now_ms());
  else waitLonger(box, world);
}

/** Twice as long each time, and never in step with others. */
function waitLonger(box: Box, { wire, random }: World): void {
  const most_ms = Math.min(RETRY_FIRST_MS * 2 ** box.failures, RETRY_MAX_MS);
  box.failures += 1;
  box.quiet_until_ms = wire.now_ms() + most_ms * (0.5 + random() / 2);
}

function deviceSigned(box: Box, { seed }: World) {
  return { signer: deviceSigner(seed, box.index, box.key_id), sequence: nextSequence(box) };
}

function nextSequence(box: Box): number {
  box.sequence += 1;
  return box.sequence;
}

function uptimeOf(box: Box, now_ms: number): number {
  return Math.max(0, Math.floor((now_ms - box.booted_ms) / 1000));
}

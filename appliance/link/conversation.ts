import { type Static, type TSchema, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { EnrolmentAnswer, ReportAnswer } from '../../protocol/messages/answers.ts';
import type { EnrolmentRequest } from '../../protocol/messages/enrolment.ts';
import { fingerprintDigest } from '../../protocol/messages/fingerprint.ts';
import { TimeMs } from '../../protocol/messages/parts.ts';
import type { Heartbeat, StateReport } from '../../protocol/messages/reports.ts';
import type { Client, Reply } from './client.ts';
import type { CoordinatorClock } from './coordinator-clock.ts';
import {
  type Enrolment,
  type EnrolmentFile,
  type EnrolmentSubject,
  enrolmentFrom,
  orderKeysOf,
} from './enrolment.ts';
import type { Errands } from './errands.ts';
import type { OrderRunner } from './interfaces.ts';
import { type Errand, type Meaning, meaningOf } from './judge.ts';
import { CORRECTIONS_MAX, PACE_MAX_MS, REFUSED_RETRY_MS } from './limits.ts';
import { pause_ms, type Standing } from './next-step.ts';
import type { OutboxQueue } from './outbox/outbox.ts';
import type { WaitingMessage } from './outbox/store.ts';
import type { Sessions } from './sessions.ts';

export interface ConversationOptions {
  subject: EnrolmentSubject;
  client: Client;
  clock: CoordinatorClock;
  outbox: OutboxQueue;
  enrolments: EnrolmentFile;
  sessions: Sessions;
  errands: Pick<Errands, 'waiting' | 'first' | 'settle' | 'abandon'>;
  orders: Pick<OrderRunner, 'take'>;
  /** Code of the configuration, in its one form; null: none. */
  provision_code: string | null;
  /** Key and facts of an enrolment. */
  introduce: () => Promise<Omit<EnrolmentRequest, 'provision_code'>>;
  /** What a heartbeat says beside the digest. */
  vitals: () => Omit<Heartbeat, 'state_digest' | 'waiting'>;
  /** The coordinator wants to know the state. */
  onStateWanted: () => void;
  /** Something that stands on the page has changed, told in words when it is worth a line in the log. */
  onChange: (news: string | null) => void;
  wall_ms: () => number;
  steady_ms: () => number;
  random: () => number;
}

/** What the page tells of it. */
export interface ConversationState {
  enrolment: Enrolment | null;
  pending: { code: string | null; expires_ms: number | null } | null;
  provision: EnrolmentAnswer['provision'] | 'unknown';
  agent: ReportAnswer['agent'] | null;
  /** The last time that something was taken, by the own clock. */
  contact_ms: number | null;
  /** Why the last try failed; null: it did not. */
  problem: string | null;
  /** An operator has said no, in these words. */
  shut: string | null;
}

/** What every answer has that says that something was taken. */
const Taken = t.Object({ server_time_ms: TimeMs });

/** What is said to one coordinator, one request after the other: enrolment, heartbeats, messages. Nothing here rejects. */
export class Conversation {
  readonly #options: ConversationOptions;
  #state: ConversationState;
  #failures = 0;
  #corrections = 0;
  #not_before_ms = 0;
  #heartbeat_due_ms = 0;
  /** When something was taken last, by the steady clock. */
  #taken_ms = Number.NEGATIVE_INFINITY;
  /** Digest of the fingerprint that has arrived. */
  #reported: string | null = null;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#state = {
      ...{ enrolment: options.enrolments.read(options.subject), pending: null, provision: 'unknown' },
      ...{ agent: null, contact_ms: null, problem: null, shut: null },
    };
  }

  get state(): Readonly<ConversationState> {
    return this.#state;
  }

  standing(): Standing {
    const { outbox, steady_ms, errands } = this.#options;
    return {
      ...{ now_ms: steady_ms(), enrolled: this.#state.enrolment !== null },
      ...{ not_before_ms: this.#not_before_ms, heartbeat_due_ms: this.#heartbeat_due_ms },
      ...{ waiting: outbox.state().records > 0, asked: errands.waiting },
    };
  }

  /** Not before then: at the start, by chance. */
  delay(for_ms: number): void {
    this.#not_before_ms = this.#options.steady_ms() + for_ms;
  }

  /** Say something by then, whatever the pause: the network has changed, and what was true of the line is not. */
  hasten(for_ms: number): void {
    const by_ms = this.#options.steady_ms() + for_ms;
    this.#not_before_ms = Math.min(this.#not_before_ms, by_ms);
    this.#heartbeat_due_ms = Math.min(this.#heartbeat_due_ms, by_ms);
  }

  async enrol(): Promise<void> {
    const { client, provision_code, introduce, enrolments, subject } = this.#options;
    // A code that was refused once will not be taken later: it is used up, over, or none.
    const code = this.#state.provision === 'refused' ? null : provision_code;
    const request = { ...(await introduce()), ...(code === null ? {} : { provision_code: code }) };
    const reply = await client.post('/agent/enrol', JSON.stringify(request));
    const answer = this.#taken('enrol', reply, EnrolmentAnswer);
    if (answer === null) return;
    const { provision, state, code: shown, code_expires_ms } = answer;
    const kept = this.#state.provision === 'refused' ? 'refused' : provision;
    if (state === 'pending') {
      this.#settle();
      const isNew = this.#state.pending === null;
      this.#not_before_ms =
        this.#options.steady_ms() + pause_ms(answer.retry_after_s * 1000, 0, this.#options.random());
      this.#change(
        { provision: kept, pending: { code: shown, expires_ms: code_expires_ms } },
        isNew ? 'the coordinator knows this appliance now, and waits for somebody to approve it' : null,
      );
      return;
    }
    const enrolment = enrolmentFrom(answer, subject);
    enrolments.write(enrolment);
    this.#heartbeat_due_ms = 0;
    this.#change({ provision: kept, pending: null, enrolment }, 'the coordinator has let this appliance in');
  }

  async heartbeat(): Promise<void> {
    const { client, outbox, vitals, steady_ms, orders, clock, onStateWanted, sessions } = this.#options;
    const { records, oldest_ms } = outbox.state();
    const turn = sessions.turn();
    const heartbeat: Heartbeat = {
      ...{ ...vitals(), state_digest: this.#reported, waiting: { records, oldest_ms } },
      ...(turn.wish === undefined ? {} : { session_key_for: turn.wish }),
    };
    const reply = await client.post('/agent/heartbeat', JSON.stringify(heartbeat), turn.signer);
    // Still due: the next one is signed with the key of the device, and is judged.
    if (turn.refused(reply)) return;
    const answer = this.#taken('heartbeat', reply, ReportAnswer);
    const { enrolment } = this.#state;
    if (answer === null || enrolment === null) return;
    turn.taken(answer);
    this.#heartbeat_due_ms = steady_ms() + answer.next_heartbeat_s * 1000;
    this.#change({ agent: answer.agent }, null);
    if (answer.orders.length > 0)
      orders.take(answer.orders, {
        ...{ keys: orderKeysOf(enrolment), key_id: enrolment.key_id, now_ms: clock.now_ms() },
      });
    // One that waits says it all.
    if (answer.send_state && !outbox.has('state')) onStateWanted();
  }

  async deliver(): Promise<void> {
    const { client, outbox } = this.#options;
    const message = outbox.first();
    if (message === null) return;
    const reply = await client.post(pathOf(message), message.body);
    if (reply.kind === 'refusal' && meaningOf('message', reply) === 'impossible') {
      outbox.remove(message, true);
      this.#settle();
      this.#change({ problem: null }, `a message (${message.kind}) was given up: ${reply.message}`);
      return;
    }
    if (this.#taken('message', reply, Taken) === null) return;
    outbox.remove(message);
    if (message.kind === 'state') this.#noteReported(message, reply);
  }

  /** Asks what another part wants to know; it hears whatever comes back, but for what is put right and asked again at once. */
  async inquire(): Promise<void> {
    const { client, errands } = this.#options;
    const question = errands.first();
    if (question === undefined) return;
    const reply = await client.post(question.path, question.body);
    const meaning = meaningOf('question', reply);
    if (reply.kind === 'refusal' && meaning === 'impossible') this.#settle();
    else this.#taken('question', reply, Taken);
    if (meaning === 'corrected' && this.#corrections > 0) return;
    errands.settle(reply);
    if (this.#state.enrolment === null) errands.abandon('this appliance is not let in');
  }

  /** Something of our own went wrong: said, and tried again later. */
  failed(message: string): void {
    this.#fail('later', message, 0);
  }

  #noteReported({ body }: WaitingMessage, reply: Reply): void {
    this.#reported = fingerprintDigest((JSON.parse(body) as StateReport).fingerprint);
    if (reply.kind === 'answer' && Value.Check(ReportAnswer, reply.body))
      this.#change({ agent: reply.body.agent }, null);
  }

  /** The body of an answer of the coordinator; null after whatever else the reply means has been seen to. */
  #taken<S extends TSchema>(errand: Errand, reply: Reply, schema: S): Static<S> | null {
    if (reply.kind === 'answer' && Value.Check(schema, reply.body)) {
      this.#corrections = 0;
      this.#taken_ms = this.#options.steady_ms();
      // Being let in is no proof that it lasts: who is let in and sent away again and again has to slow down.
      if (errand !== 'enrol') this.#settle();
      const news = this.#state.problem === null ? null : 'the coordinator answers again';
      this.#change({ contact_ms: this.#options.wall_ms(), problem: null, shut: null }, news);
      return reply.body;
    }
    if (reply.kind === 'answer')
      this.#fail('later', 'the answer is none of a coordinator; a captive portal, or another version?', 0);
    else
      this.#fail(
        meaningOf(errand, reply),
        reply.message,
        reply.kind === 'refusal' ? reply.retry_after_ms : 0,
      );
    return null;
  }

  #settle(): void {
    this.#failures = 0;
    this.#corrections = 0;
  }

  #fail(meaning: Meaning, message: string, asked_ms: number): void {
    const { enrolments, sessions, steady_ms, random } = this.#options;
    const now_ms = steady_ms();
    if (meaning === 'corrected' && this.#corrections < CORRECTIONS_MAX) {
      this.#corrections += 1;
      return;
    }
    // A coordinator that sets the pace at which a long queue comes is no trouble, and nothing that the page should blink at.
    const isPace = asked_ms > 0 && Math.max(asked_ms, now_ms - this.#taken_ms) <= PACE_MAX_MS;
    if (meaning === 'later' && isPace) {
      this.#not_before_ms = now_ms + pause_ms(asked_ms, 0, random());
      return;
    }
    this.#failures += 1;
    const shut = meaning === 'shut';
    this.#not_before_ms = now_ms + pause_ms(shut ? REFUSED_RETRY_MS : asked_ms, this.#failures, random());
    if (meaning === 'enrol') {
      enrolments.remove();
      sessions.forget();
      this.#reported = null;
      this.#change({ enrolment: null, problem: message }, `enrolling again: ${message}`);
      return;
    }
    const news = this.#state.problem === message ? null : message;
    this.#change({ problem: message, ...(shut ? { pending: null, shut: message } : {}) }, news);
  }

  /** A contact alone is no change: a long queue is delivered without anybody looking at the machine each time. */
  #change(changed: Partial<ConversationState>, news: string | null): void {
    const [before, now] = [this.#state, { ...this.#state, ...changed }];
    this.#state = now;
    const lasting = ({ contact_ms, ...rest }: ConversationState) =>
      JSON.stringify([contact_ms === null, rest]);
    if (news !== null || lasting(before) !== lasting(now)) this.#options.onChange(news);
  }
}

function pathOf({ kind, order_id }: WaitingMessage): string {
  if (kind === 'state' || order_id === null) return '/agent/state';
  return `/agent/orders/${encodeURIComponent(order_id)}/${kind}`;
}

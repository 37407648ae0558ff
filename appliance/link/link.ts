import type { Logger } from '@logtape/logtape';
import { describeError } from '../../base/errors.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { createSleeper } from '../../base/sleeper.ts';
import { VERSION } from '../../base/version.ts';
import { readCode } from '../../protocol/messages/enrolment.ts';
import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import type { ChangeReason, Heartbeat } from '../../protocol/messages/reports.ts';
import type { LinkSection } from '../../status-page/link-section.ts';
import type { DeviceKey } from '../identity/key-file.ts';
import { requestSigner } from '../identity/request-signer.ts';
import { createClient, type Reply } from './client.ts';
import { Conversation } from './conversation.ts';
import { createCoordinatorClock } from './coordinator-clock.ts';
import { enrolmentFile } from './enrolment.ts';
import { Errands, type Question } from './errands.ts';
import type { FingerprintSource, OrderRunner, Outbox } from './interfaces.ts';
import { KICK_PAUSE_MS, START_SPREAD_MS } from './limits.ts';
import { describeLink } from './link-section.ts';
import { nextStep } from './next-step.ts';
import { openOutbox } from './outbox/outbox.ts';
import { openSequence } from './sequence.ts';
import { Sessions } from './sessions.ts';

export interface LinkOptions {
  /** Base address of the coordinator. */
  url: URL;
  /** Authorities instead of those that the program knows, in PEM. */
  ca_pem: string | null;
  /** As it stands in the configuration. */
  provision_code: string | null;
  key: DeviceKey;
  /** What is kept over a restart lies here; null where there is no such place. */
  folder: string | null;
  fingerprint: FingerprintSource;
  /** Made with the outbox that results go into. */
  makeOrders: (outbox: Outbox) => OrderRunner;
  /** Name of the hardware as releases list it; null: not listed. */
  hardware: string | null;
  uptime_s: () => number;
  /** Where an update stands; undefined: there is none to tell of. */
  update: () => Heartbeat['update'];
  /** Something on the page has changed. */
  onChange: () => void;
  log: Logger;
  random: () => number;
  /** Instead of KICK_PAUSE_MS. */
  kick_pause_ms?: number;
}

export interface Link {
  start(): void;
  /** Tries soon, whatever pause there is: the cable is back, the address changed. */
  kick(): void;
  status(): LinkSection;
  /** Asks the coordinator something when nothing else is to be said. Never kept; silence when this appliance is not let in. */
  ask(question: Question): Promise<Reply>;
  /** Public keys of the coordinator that let this appliance in, base64; none: it is not let in. */
  coordinatorKeys(): string[];
  /** Why the last request failed; null: it did not. */
  problem(): string | null;
  /** Ends within the time that a request of the orders takes to be written down. */
  stop(): Promise<void>;
}

/** The agent's side of the wire: enrols, beats, reports, fetches orders; for ever, with pauses that grow. */
export function createLink(options: LinkOptions): Link {
  const { folder, log, fingerprint, random, url } = options;
  const wall_ms = Date.now;
  const steady_ms = () => performance.now();
  const warn = (message: string) => log.warn`${message}`;
  const place = (name: string) => (folder === null ? null : `${folder}/${name}`);
  const stopping = new AbortController();
  const clock = createCoordinatorClock(wall_ms, steady_ms);
  const outbox = openOutbox({ file: place('outbox.db'), now_ms: wall_ms, warn });
  const orders = options.makeOrders(outbox);
  const signer = requestSigner(options.key);
  const public_key = Buffer.from(options.key.publicKey).toString('base64');
  const client = createClient({
    ...{ url, ca_pem: options.ca_pem, signer, clock, steady_ms, signal: stopping.signal },
    sequence: openSequence(place('sequence'), warn),
  });

  const key_id = deviceIdOf(options.key.publicKey);
  const errands = new Errands();
  const report = (reason: ChangeReason, now: Fingerprint) =>
    outbox.put({
      kind: 'state',
      report: { reason, observed_at_ms: wall_ms(), uptime_s: options.uptime_s(), fingerprint: now },
    });

  const conversation = new Conversation({
    subject: { coordinator: url.href, key_id },
    sessions: new Sessions({ key_id, now_ms: clock.now_ms, steady_ms }),
    ...{ client, clock, outbox, orders, errands, wall_ms, steady_ms, random },
    enrolments: enrolmentFile(place('enrolment.json'), warn),
    provision_code: (options.provision_code !== null && readCode(options.provision_code)) || null,
    introduce: async () => ({ public_key, facts: factsOf(await fingerprint.current(), options.hardware) }),
    vitals: () => {
      const update = options.update();
      return {
        ...{ agent_version: VERSION, uptime_s: options.uptime_s() },
        ...(update === undefined ? {} : { update }),
      };
    },
    onStateWanted: () => {
      const told = fingerprint.current().then((now) => report('state_delta', now));
      told.catch((error: unknown) => warn(`what this machine is cannot be told: ${describeError(error)}`));
    },
    onChange: (news) => {
      if (news !== null) log.info`${news}`;
      options.onChange();
    },
  });

  const { sleep, wake } = createSleeper();
  const talk = async () => {
    while (!stopping.signal.aborted) {
      const step = nextStep(conversation.standing());
      try {
        if (step.act === 'wait') await sleep(step.for_ms);
        else await conversation[step.act]();
      } catch (error) {
        conversation.failed(`the link itself failed: ${describeError(error)}`);
      }
    }
  };
  outbox.onPut(wake);

  let talking: Promise<void> | undefined;
  let unsubscribe = () => {};
  return {
    start() {
      conversation.delay(START_SPREAD_MS * random());
      unsubscribe = fingerprint.subscribe((change) => report(change.reason, change.fingerprint));
      talking = talk();
    },
    kick() {
      conversation.hasten(options.kick_pause_ms ?? KICK_PAUSE_MS);
      wake();
    },
    status: () => describeLink(conversation.state, outbox.state(), clock.offset_ms()),
    async ask(question) {
      if (conversation.state.enrolment === null || stopping.signal.aborted)
        return { kind: 'silence', message: 'this appliance is not let in' };
      const reply = errands.ask(question);
      wake();
      return await reply;
    },
    coordinatorKeys: () => conversation.state.enrolment?.order_keys.map(({ public_key }) => public_key) ?? [],
    problem: () => conversation.state.problem,
    async stop() {
      unsubscribe();
      await orders.stop();
      stopping.abort(new Error('the agent stops'));
      wake();
      await talking;
      errands.abandon('the agent stops');
      outbox.close();
    },
  };
}

/** What a box says it is when it asks to be let in. */
function factsOf(now: Fingerprint, hardware: string | null) {
  const { hostname, chassis_serial, product_uuid, primary_mac, agent_version, image_version } = now;
  return {
    ...{ hostname, serial: chassis_serial, product_uuid, mac: primary_mac, hardware },
    ...{ agent_version, image_version },
  };
}

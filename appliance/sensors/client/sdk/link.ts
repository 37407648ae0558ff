import { setTimeout as sleep } from 'node:timers/promises';
import { BulkheadError } from '../../../../base/errors.ts';
import type { HeartbeatResponse, RMMAgent } from '../../../../protocol/sensors/generated/compliance.ts';
import type { HealCommand } from '../../commands/commands.ts';
import { type ApplianceClient, connectAppliance } from './appliance-client.ts';
import { type Address, type AuthoritySource, findAuthority } from './authority.ts';
import { startPump } from './drift-pump.ts';
import type { EventQueue } from './event-queue.ts';
import { type Failure, judgeFailure, pause_ms } from './failure.ts';
import type { HealJournal } from './heal-journal.ts';
import { type Admission, claimFingerprint, type SensorIdentity } from './identity.ts';
import { Knock, once } from './knock.ts';
import { BACKOFF_FIRST_MS, FAREWELL_MS, HEARTBEAT_INTERVAL_MS, INTERVAL_JITTER_SHARE } from './limits.ts';
import { enrol, type MachineFacts, refresh, renewalIsDue } from './registration.ts';
import { tellResults } from './tell-results.ts';
import { commandFromWire } from './wire.ts';

/** A newer program, as the appliance offers it. */
export interface UpdateOffer {
  version: string;
  url: string;
  /** Lower-case hex. */
  sha256: string;
}

export interface LinkParts {
  address: Address;
  authority: AuthoritySource;
  server_name: string | null;
  /** One-time code, where the sensor was given one. */
  code: string | null;
  facts: MachineFacts;
  /** What is installed on the machine; asked at each connection. */
  software: () => Promise<readonly string[]>;
  queue: EventQueue;
  journal: HealJournal;
  /** The identity as it is, and where it is kept. */
  identity: { read(): SensorIdentity | null; write(identity: SensorIdentity): void };
  counts: () => { drift: number; healing: number };
  /** Remote management that was found; null: nothing to tell. */
  remote: () => readonly RMMAgent[] | null;
  onCommand: (command: HealCommand) => void;
  onAdmission: (admission: Admission) => void;
  onOffer: (offer: UpdateOffer) => void;
  /** Behind each acknowledged heartbeat. */
  onHeard: () => void;
  onState: (state: LinkState) => void;
  onRefusedEvent: (check_type: string, why: string) => void;
  now_ms: () => number;
  random: () => number;
  heartbeat_interval_ms?: number;
  /** How long to wait after a failure; for tests. */
  pause_ms?: typeof pause_ms;
}

export type LinkState =
  | { state: 'connecting' | 'connected' }
  | { state: 'waiting' | 'refused' | 'interrupted'; why: string; retry_in_ms: number };

/** The one conversation of a sensor with its appliance: enrols, keeps the certificate young, and tells what there is to tell. */
export class Link {
  readonly #parts: LinkParts;
  readonly #refusals = new Map<string, number>();
  #wake: () => void = () => undefined;
  #tellResults: () => void = () => undefined;
  #beatNow: () => void = () => undefined;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** There is something new in the queue. */
  wake(): void {
    this.#wake();
  }

  /** There is a result in the journal. */
  wakeResults(): void {
    this.#tellResults();
  }

  /** Something is worth a heartbeat at once. */
  beat(): void {
    this.#beatNow();
  }

  /** Talks until it is told to stop; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { onState, random } = this.#parts;
    for (let failures = 0; !signal.aborted; ) {
      onState({ state: 'connecting' });
      try {
        await this.#converse(signal, () => {
          failures = 0;
        });
        // It ended well: the appliance has something new to say. One that always has is not asked without a pause.
        await sleep(random() * BACKOFF_FIRST_MS, undefined, { signal }).catch(() => undefined); // Ended: the loop sees it.
      } catch (error) {
        if (signal.aborted) return;
        const failure = this.#judge(error);
        failures += 1;
        const retry_in_ms = (this.#parts.pause_ms ?? pause_ms)(failure, failures, random());
        const state = failure.reaction === 'again' ? 'interrupted' : failure.reaction;
        onState({ state, why: failure.why, retry_in_ms });
        await sleep(retry_in_ms, undefined, { signal }).catch(() => undefined); // Ended: the loop sees it.
      }
    }
  }

  #judge(error: unknown): Failure {
    const identity = this.#parts.identity.read();
    const failure = judgeFailure(error, identity?.admission == null);
    if (failure.reaction !== 'waiting' || identity === null) return failure;
    const why = `somebody has to let this sensor in; it shows the fingerprint ${claimFingerprint(identity.claim)}`;
    return { ...failure, why };
  }

  /** One connection, to its end. */
  async #converse(signal: AbortSignal, onSuccess: () => void): Promise<void> {
    const { address, authority, server_name, code, facts, software, identity, now_ms, onAdmission } =
      this.#parts;
    const findRoot = () => findAuthority(address, authority);
    const known = await enrol({ address, server_name, code, facts, identity, findRoot });
    onAdmission(known.admission);
    const client = connectAppliance(
      address,
      known.authority_pem,
      { key_pem: known.key_pem, certificate_pem: known.admission.certificate_pem },
      server_name,
    );
    try {
      // What the appliance has set meanwhile, and a new certificate when the old one nears its end.
      const said = { ...facts, installed_software: await software() };
      const fresh = await refresh(client, known, said, identity, now_ms());
      onAdmission(fresh.admission);
      // The new certificate counts from the next connection on.
      if (fresh.key_pem !== known.key_pem) return;
      await this.#talk(client, fresh.admission, signal, onSuccess);
    } finally {
      client.close();
    }
  }

  /** Heartbeats, events and results, until something breaks, the sensor is ended, or the appliance has something new to say. */
  async #talk(
    client: ApplianceClient,
    admission: Admission,
    signal: AbortSignal,
    onSuccess: () => void,
  ): Promise<void> {
    const { queue, journal, facts, onCommand, onState, onRefusedEvent, now_ms } = this.#parts;
    const sender = { agent_id: admission.agent_id, hostname: facts.hostname };
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const changed = await this.#beat(client, admission);
    onSuccess();
    if (changed) return;
    onState({ state: 'connected' });
    queue.tellLoss(Math.floor(now_ms() / 1000));
    const pump = startPump(client.reportDrift(), {
      ...{ queue, sender, refusals: this.#refusals, onCommand },
      onRefused: ({ event }, why) => onRefusedEvent(event.check_type, why),
    });
    this.#wake = pump.wake;
    const results = new Knock();
    this.#tellResults = () => results.knock();
    try {
      await Promise.race([
        pump.done,
        this.#beats(client, admission, both),
        tellResults(client, journal, sender, results, both),
        once(signal),
      ]);
    } finally {
      ended.abort();
      this.#wake = this.#tellResults = this.#beatNow = () => undefined;
      pump.finish();
      await Promise.race([pump.done, sleep(FAREWELL_MS, undefined, { ref: false })]).catch(() => undefined); // It has been told.
      pump.cancel();
      pump.done.catch(() => undefined); // It has been told.
    }
  }

  async #beats(client: ApplianceClient, admission: Admission, signal: AbortSignal): Promise<void> {
    const { heartbeat_interval_ms = HEARTBEAT_INTERVAL_MS, random, queue, now_ms, identity } = this.#parts;
    const knocks = new Knock();
    this.#beatNow = () => knocks.knock();
    while (!signal.aborted) {
      const jitter = 1 + INTERVAL_JITTER_SHARE * (2 * random() - 1);
      await Promise.race([
        sleep(heartbeat_interval_ms * jitter, undefined, { signal }).catch(() => undefined), // Ended: the loop sees it.
        knocks.next(),
      ]);
      if (signal.aborted) return;
      if (await this.#beat(client, admission)) return;
      queue.tellLoss(Math.floor(now_ms() / 1000));
      this.#wake();
      this.#tellResults();
      const current = identity.read()?.admission?.certificate_pem;
      if (current !== undefined && renewalIsDue(current, now_ms())) return;
    }
  }

  /** @returns whether the appliance has something new to say to a registration */
  async #beat(client: ApplianceClient, { agent_id }: Admission): Promise<boolean> {
    const { counts, facts, now_ms, onHeard, onOffer, onCommand, remote } = this.#parts;
    const timestamp = Math.floor(now_ms() / 1000);
    const { drift, healing } = counts();
    const response = await client.heartbeat({
      ...{
        agent_id,
        timestamp,
        drift_count: drift,
        healing_count: healing,
        agent_version: facts.agent_version,
      },
    });
    if (!response.acknowledged)
      throw new BulkheadError('SENSOR_HEARTBEAT_REFUSED', 'the appliance did not acknowledge a heartbeat');
    onHeard();
    for (const command of response.pending_commands) onCommand(commandFromWire(command));
    const offer = offerOf(response);
    if (offer !== null) onOffer(offer);
    const agents = remote();
    if (agents !== null)
      await client.reportRmm({ agent_id, hostname: facts.hostname, detected_agents: [...agents], timestamp });
    return response.config_changed;
  }
}

function offerOf(response: HeartbeatResponse): UpdateOffer | null {
  const { update_available, update_version: version, update_url: url, update_sha256: sha256 } = response;
  return update_available ? { version, url, sha256 } : null;
}

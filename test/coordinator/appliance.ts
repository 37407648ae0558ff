import { VERSION } from '../../base/version.ts';
import { exampleFingerprint } from '../../protocol/messages/example-fingerprint.ts';
import { fingerprintDigest } from '../../protocol/messages/fingerprint.ts';
import { type KnownOrder, openOrder } from '../../protocol/orders/order.ts';
import { ROLLED_BACK_CODE } from '../../protocol/orders/result.ts';
import type { CoordinatorLab } from './coordinator-lab.ts';
import { Device, type Where } from './device.ts';

/** What an appliance does with an update. */
export type Habit = 'succeed' | 'roll_back' | 'fail' | 'stay_silent';

/** An appliance without hardware: it speaks the real protocol, and what it runs is a text. */
export class SimulatedAppliance extends Device {
  version: string;
  habit: Habit;
  #before: string;
  #trusted: ReadonlyMap<string, Uint8Array> | null = null;
  /** Every order that it was given, as it was signed. */
  readonly received: KnownOrder[] = [];

  constructor(lab: Where, version: string, habit: Habit = 'succeed') {
    super(lab);
    this.version = version;
    this.#before = version;
    this.habit = habit;
  }

  /** The same appliance, talking to another coordinator from here on. */
  at(lab: Where): this {
    Object.assign(this, { lab });
    return this;
  }

  async report(): Promise<void> {
    const fingerprint = { ...exampleFingerprint(), image_version: this.version };
    await this.#send('/agent/state', {
      ...{ reason: 'deployment', observed_at_ms: this.lab.now_ms(), uptime_s: 10, fingerprint },
    });
  }

  /** A heartbeat; what it brings is done to its end. @returns the orders that came */
  async turn(): Promise<KnownOrder[]> {
    const orders = await this.fetch();
    for (const order of orders) await this.do(order);
    return orders;
  }

  /** A heartbeat; what it brings is only opened. */
  async fetch(update?: { version: string; state: string }): Promise<KnownOrder[]> {
    const fingerprint = { ...exampleFingerprint(), image_version: this.version };
    const body = await this.#send('/agent/heartbeat', {
      ...{ agent_version: VERSION, uptime_s: 60, state_digest: fingerprintDigest(fingerprint) },
      ...(update === undefined ? {} : { update }),
    });
    const trusted = await this.#orderKeys();
    const reader = { key_id: this.key_id, now_ms: this.lab.now_ms() };
    const orders = ((body['orders'] ?? []) as unknown[]).map((envelope) =>
      openOrder(envelope, trusted, reader),
    );
    this.received.push(...orders);
    return orders;
  }

  async do(order: KnownOrder): Promise<void> {
    const tell = (state: string, more: object = {}) =>
      this.#send(`/agent/orders/${order.id}/result`, {
        ...{ attempt: order.attempt, state, observed_at_ms: this.lab.now_ms(), ...more },
      });
    await tell('accepted');
    if (this.habit === 'stay_silent') return;
    if (order.type === 'rollback') {
      this.version = this.#before;
      await this.report();
      await tell('succeeded');
      return;
    }
    const to = String(order.parameters['version']);
    if (this.habit === 'fail') {
      await tell('failed', { code: 'FETCH_NOT_FOUND', message: 'no mirror has it' });
      return;
    }
    this.#before = this.version;
    this.version = to;
    await this.report();
    await this.fetch({ version: to, state: 'verifying' });
    if (this.habit === 'roll_back') {
      this.version = this.#before;
      await this.report();
      await tell('failed', { code: ROLLED_BACK_CODE, message: 'the health gate refused it: agent is down' });
      return;
    }
    await this.fetch({ version: to, state: 'succeeded' });
    await tell('succeeded', { facts: { version: to } });
  }

  /** As they were told when it was let in. */
  async #orderKeys(): Promise<ReadonlyMap<string, Uint8Array>> {
    if (this.#trusted === null) {
      const keys = (await this.enrol()).body['order_keys'] as { key_id: string; public_key: string }[];
      this.#trusted = new Map(
        keys.map(({ key_id, public_key }) => [key_id, Uint8Array.from(Buffer.from(public_key, 'base64'))]),
      );
    }
    return this.#trusted;
  }

  async #send(path: string, body: object): Promise<Record<string, unknown>> {
    const answer = await this.send(path, body);
    // Tests are in a hurry; who sends too often is told so, and comes again.
    if (answer.status === 429 && path === '/agent/heartbeat') return {};
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

/** An appliance that was let in and has said what it runs. */
export async function simulatedAppliance(
  lab: CoordinatorLab,
  {
    version = '1.0.0',
    habit,
    tags = {},
  }: { version?: string; habit?: Habit; tags?: Record<string, string> } = {},
): Promise<SimulatedAppliance> {
  const made = new SimulatedAppliance(lab, version, habit);
  await made.enrol({ hardware: 'qemu', image_version: version });
  const { status } = await lab.call(
    'POST',
    `/api/v1/devices/${made.id}/approve`,
    { tags },
    await lab.admin(),
  );
  if (status !== 200) throw new Error(`approving ended with ${status}`);
  await made.report();
  return made;
}

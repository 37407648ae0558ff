import { getLogger } from '@logtape/logtape';
import { afterEach } from 'vitest';
import { type DeviceKey, deviceKeyFromSeed } from '../../appliance/identity/key-file.ts';
import type {
  FingerprintChange,
  FingerprintSource,
  OrderRunner,
  Outbox,
} from '../../appliance/link/interfaces.ts';
import { type BadLine, openBadLine } from '../../appliance/link/lab/bad-line.ts';
import { createLink, type Link, type LinkOptions } from '../../appliance/link/link.ts';
import type { StartOptions } from '../../coordinator/start.ts';
import { exampleFingerprint } from '../../protocol/messages/example-fingerprint.ts';
import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import { type KnownOrder, openOrder } from '../../protocol/orders/order.ts';
import { makeCertificate } from '../unit/make-certificate.ts';
import { type Answer, type CoordinatorLab, startLab } from './coordinator-lab.ts';

/** A machine whose facts a test changes. */
class ChangingMachine implements FingerprintSource {
  // Each is another machine: what two say of themselves alike, an operator has to decide about.
  #now: Fingerprint = exampleFingerprint({
    ...{ product_uuid: crypto.randomUUID(), chassis_serial: crypto.randomUUID().slice(0, 8) },
    primary_mac: null,
  });
  readonly #listeners = new Set<(change: FingerprintChange) => void>();

  get serial(): string {
    return this.#now.chassis_serial ?? '';
  }

  async current(): Promise<Fingerprint> {
    return this.#now;
  }

  subscribe(listener: (change: FingerprintChange) => void): () => void {
    this.#listeners.add(listener);
    queueMicrotask(() => listener({ fingerprint: this.#now, reason: 'startup' }));
    return () => this.#listeners.delete(listener);
  }

  change(changed: Partial<Fingerprint>, reason: FingerprintChange['reason'] = 'state_delta'): void {
    this.#now = { ...this.#now, ...changed };
    for (const listener of this.#listeners) listener({ fingerprint: this.#now, reason });
  }
}

/** Opens what it is given as an appliance does, and says that it has done it. */
class WillingOrders implements OrderRunner {
  readonly taken: KnownOrder[] = [];
  readonly #outbox: Outbox;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  take(envelopes: readonly unknown[], { keys, key_id, now_ms }: Parameters<OrderRunner['take']>[1]): void {
    for (const envelope of envelopes) {
      const order = openOrder(envelope, keys, { key_id, now_ms });
      this.taken.push(order);
      const result = { attempt: order.attempt, observed_at_ms: Date.now() };
      const { id: order_id } = order;
      this.#outbox.put({ kind: 'result', order_id, result: { ...result, state: 'accepted' } });
      this.#outbox.put({ kind: 'log', order_id, piece: { attempt: order.attempt, offset: 0, text: 'done' } });
      this.#outbox.put({ kind: 'result', order_id, result: { ...result, state: 'succeeded' } });
    }
  }

  async stop(): Promise<void> {}
}

export interface LabLink extends Link {
  machine: ChangingMachine;
  outbox: Outbox;
  orders: WillingOrders;
  key: DeviceKey;
}

export interface LinkLab {
  coordinator: CoordinatorLab;
  line: BadLine;
  certificate: string;
  /** A link of a new appliance, started. */
  open(changed?: Partial<LinkOptions>): LabLink;
  /** Lets in the one that shows this code. @returns its id */
  approve(link: LabLink): Promise<string>;
  /** A code that lets in by itself. */
  code(uses_max?: number): Promise<string>;
  /** A link that was let in by a code, with the id that it has there. */
  connected(changed?: Partial<LinkOptions>): Promise<LabLink & { id: string }>;
  /** Asks the API of the coordinator as its administrator. @throws when it is refused */
  ask(method: string, path: string, body?: unknown): Promise<Answer['body']>;
}

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

/** A coordinator, a line to it that can be bad, and appliances at the other end. */
export async function startLinkLab(changed: Partial<StartOptions> = {}): Promise<LinkLab> {
  const tls = await makeCertificate('DNS:localhost,IP:127.0.0.1');
  const line = await openBadLine(tls);
  const coordinator = await startLab({ urls: [line.url], ...changed });
  line.target = coordinator.url;
  running.push({ stop: line.close });
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await coordinator.call(method, path, body, await coordinator.admin());
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const lab: LinkLab = {
    ...{ coordinator, line, certificate: tls.certificate, ask },
    open(options = {}) {
      const made = openLink({ url: line.url, ca_pem: tls.certificate, ...options });
      running.unshift(made);
      return made;
    },
    async code(uses_max = 1) {
      const expires_ms = coordinator.now_ms() + 3_600_000;
      const { code } = await ask('POST', '/api/v1/enrolment-codes', { note: 'test', uses_max, expires_ms });
      return String(code);
    },
    async connected(options = {}) {
      const link = lab.open({ provision_code: await lab.code(), ...options });
      await until(() => link.status().state === 'connected' && link.status().waiting.records === 0);
      const { devices } = await ask('GET', `/api/v1/devices?search=${link.machine.serial}`);
      return { ...link, id: (devices as { id: string }[])[0]?.id ?? '' };
    },
    async approve(link) {
      await until(() => link.status().state === 'pending');
      const { id } = await ask('POST', '/api/v1/devices/approve', { code: link.status().code });
      return String(id);
    },
  };
  return lab;
}

function openLink(options: Pick<LinkOptions, 'url' | 'ca_pem'> & Partial<LinkOptions>): LabLink {
  const machine = new ChangingMachine();
  const key = options.key ?? deviceKeyFromSeed(crypto.getRandomValues(new Uint8Array(32)));
  const log = getLogger(['lab', 'link']);
  const parts: { outbox?: Outbox; orders?: WillingOrders } = {};
  const link = createLink({
    ...{ provision_code: null, folder: null, fingerprint: machine, hardware: 'qemu', log, key },
    ...{
      uptime_s: () => 60,
      update: () => undefined,
      onChange: () => {},
      random: () => 0.1,
      kick_pause_ms: 20,
    },
    makeOrders: (outbox) => {
      parts.outbox = outbox;
      parts.orders = new WillingOrders(outbox);
      return parts.orders;
    },
    ...options,
  });
  if (!parts.outbox || !parts.orders) throw new Error('the link made no orders');
  link.start();
  return { ...link, machine, key, outbox: parts.outbox, orders: parts.orders };
}

export async function until(what: () => Promise<boolean> | boolean, timeout_ms = 10_000): Promise<void> {
  const end_ms = performance.now() + timeout_ms;
  while (!(await what())) {
    if (performance.now() > end_ms) throw new Error('it did not happen in time');
    await Bun.sleep(10);
  }
}

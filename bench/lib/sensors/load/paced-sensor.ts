import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import {
  ComplianceAgentClient,
  type DriftAck,
  type DriftEvent,
} from '../../../../protocol/sensors/generated/compliance.ts';
import { nextEvent } from '../grpc-sensors.ts';
import { COME_BACK_MS, WINDOW_MAX } from './limits.ts';

export interface SensorKeys {
  id: string;
  hostname: string;
  certificate_pem: string;
  key_pem: string;
}

/** One event, kept as it was made until it is acknowledged: sent again, it is the same one. */
interface Waiting {
  event: DriftEvent;
  made_ms: number;
}

/**
 * A sensor that keeps what it has found until the appliance has it, and comes back whenever it is cut off. Events are acknowledged in their
 * order on one stream; what was under way when the stream ended is sent again on the next one.
 */
export class PacedSensor {
  readonly #client: ComplianceAgentClient;
  readonly #keys: SensorKeys;
  readonly #acknowledged: (latency_ms: number) => void;
  readonly #waiting: Waiting[] = [];
  #stream: ClientDuplexStream<DriftEvent, DriftAck> | null = null;
  /** Of those that wait, how many are under way on this stream. */
  #under_way = 0;
  #closed = false;
  made = 0;
  /** Streams that ended though nobody wanted it, and events that were answered with a refusal. */
  cut = 0;

  constructor(
    grpc_port: number,
    authority_pem: string,
    keys: SensorKeys,
    acknowledged: (latency_ms: number) => void,
  ) {
    const pem = (text: string) => Buffer.from(text);
    const mutual = credentials.createSsl(pem(authority_pem), pem(keys.key_pem), pem(keys.certificate_pem));
    this.#client = new ComplianceAgentClient(`localhost:${grpc_port}`, mutual, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_reconnect_backoff_ms': COME_BACK_MS,
    });
    this.#keys = keys;
    this.#acknowledged = acknowledged;
    this.#open();
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  make(): void {
    const event = { ...nextEvent(this.#keys.id, this.made), hostname: this.#keys.hostname };
    this.#waiting.push({ event, made_ms: performance.now() });
    this.made += 1;
    this.#send();
  }

  close(): void {
    this.#closed = true;
    this.#stream?.end();
    this.#client.close();
  }

  #open(): void {
    const stream = this.#client.reportDrift();
    this.#stream = stream;
    this.#under_way = 0;
    let over = false;
    const end = () => {
      if (over || this.#closed) return;
      over = true;
      this.cut += 1;
      this.#stream = null;
      setTimeout(() => this.#closed || this.#open(), COME_BACK_MS * (0.5 + Math.random() / 2));
    };
    stream.on('data', ({ received }: DriftAck) => {
      if (over) return;
      if (!received) {
        stream.cancel();
        return end();
      }
      const done = this.#waiting.shift();
      this.#under_way -= 1;
      if (done) this.#acknowledged(performance.now() - done.made_ms);
      this.#send();
    });
    stream.on('error', end);
    stream.on('end', end);
    this.#send();
  }

  #send(): void {
    while (this.#stream && this.#under_way < Math.min(WINDOW_MAX, this.#waiting.length)) {
      const next = this.#waiting[this.#under_way];
      if (!next) return;
      this.#under_way += 1;
      this.#stream.write(next.event);
    }
  }
}

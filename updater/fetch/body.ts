import type { IncomingMessage } from 'node:http';
import { BODY_QUEUE_BYTES } from './limits.ts';

/**
 * The body of an answer, taken from the socket as it arrives and kept until it is asked for. Bytes that arrived before
 * a connection broke are given out before the error is: a proxy that cuts every answer short must not make a
 * transfer stand still. While BODY_QUEUE_BYTES wait the socket is not read, so the server slows down.
 */
export class Body {
  readonly #message: IncomingMessage;
  readonly #parts: Uint8Array[] = [];
  #queued_bytes = 0;
  /** Undefined while the body goes on. */
  #end: { error: unknown } | 'whole' | undefined;
  #wake: (() => void) | undefined;

  constructor(message: IncomingMessage) {
    this.#message = message;
    message.on('data', (part: Uint8Array) => {
      this.#parts.push(part);
      this.#queued_bytes += part.length;
      if (this.#queued_bytes >= BODY_QUEUE_BYTES) message.pause();
      this.#wake?.();
    });
    message.on('end', () => this.#finish('whole'));
    message.on('error', (error) => this.fail(error));
    message.on('close', () => this.fail(new Error('closed')));
  }

  /** Ends the body with an error, behind what arrived; without effect when it has ended. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /**
   * The next bytes, undefined at the end.
   *
   * @throws what the connection failed with
   */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#parts.length === 0 && this.#end === undefined) {
      this.#message.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const part = this.#parts.shift();
    if (part) {
      this.#queued_bytes -= part.length;
      if (this.#queued_bytes < BODY_QUEUE_BYTES / 2) this.#message.resume();
      return part;
    }
    if (this.#end === 'whole' || this.#end === undefined) return undefined;
    throw this.#end.error;
  }

  #finish(end: { error: unknown } | 'whole'): void {
    this.#end ??= end;
    this.#wake?.();
  }
}

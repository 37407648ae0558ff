import { join } from 'node:path';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

/** How a call ended. */
export interface CallEnd {
  /** Name of the status: OK, UNAUTHENTICATED, … */
  code: string;
  details: string;
  trailers: Record<string, string>;
}

export interface ChannelOptions {
  port: number;
  ca: string;
  certificate?: string;
  key?: string;
}

const Answer = t.Object({ id: t.Number(), ok: t.Optional(t.Unknown()), error: t.Optional(t.String()) });

/** Debian's own Python, with Debian's python3-grpcio. */
const PYTHON = '/usr/bin/python3';

/** A client of another implementation of gRPC, in a process of its own. */
export class PythonClient {
  readonly #process = Bun.spawn([PYTHON, join(import.meta.dirname, 'python-client.py')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 1;

  constructor() {
    void this.#listen();
  }

  /** Whether this machine has what it needs. */
  static available(): boolean {
    return Bun.spawnSync([PYTHON, '-c', 'import grpc']).exitCode === 0;
  }

  async channel(channel: string, options: ChannelOptions): Promise<void> {
    await this.#ask('channel', { channel, ...options });
  }

  async close(channel: string): Promise<void> {
    await this.#ask('close', { channel });
  }

  /** @param more `metadata`: values of names that end with -bin are base64; `times`: the body is that often behind itself */
  async unary(
    channel: string,
    path: string,
    body: Uint8Array,
    more: { metadata?: [string, string][]; times?: number; timeout_s?: number } = {},
  ): Promise<CallEnd & { body: Buffer | null }> {
    const told = (await this.#ask('unary', { channel, path, body: base64(body), ...more })) as CallEnd & {
      body: string | null;
    };
    return { ...told, body: told.body === null ? null : Buffer.from(told.body, 'base64') };
  }

  async open(channel: string, stream: string, path: string): Promise<void> {
    await this.#ask('opened', { channel, stream, path });
  }

  async send(stream: string, bodies: readonly Uint8Array[], last = false): Promise<void> {
    await this.#ask('send', { stream, bodies: bodies.map(base64), last });
  }

  /** So many messages, or, without a count, all until the end. */
  async receive(
    stream: string,
    count?: number,
    timeout_s = 10,
  ): Promise<{ bodies: Buffer[] } & Partial<CallEnd>> {
    const told = (await this.#ask('receive', { stream, count: count ?? null, timeout_s })) as {
      bodies: string[];
    } & Partial<CallEnd>;
    return { ...told, bodies: told.bodies.map((body) => Buffer.from(body, 'base64')) };
  }

  /** The same message again and again, for that long. */
  async flood(channel: string, path: string, body: Uint8Array, for_s: number): Promise<{ sent: number }> {
    return (await this.#ask('flood', { channel, path, body: base64(body), for_s })) as { sent: number };
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#process.exited;
  }

  #ask(ask: string, more: Record<string, unknown>): Promise<unknown> {
    const id = this.#next;
    this.#next += 1;
    const asked = Promise.withResolvers<unknown>();
    this.#asked.set(id, asked);
    this.#process.stdin.write(`${JSON.stringify({ id, ask, ...more })}\n`);
    this.#process.stdin.flush();
    return asked.promise;
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of this.#process.stdout) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#settle(Value.Parse(Answer, JSON.parse(line)));
    }
    for (const { reject } of this.#asked.values()) reject(new Error('the Python client has ended'));
  }

  #settle({ id, ok, error }: { id: number; ok?: unknown; error?: string }): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (error === undefined) asked?.resolve(ok);
    else asked?.reject(new Error(`the Python client failed: ${error}`));
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

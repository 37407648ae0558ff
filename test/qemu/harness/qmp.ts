import { createConnection, type Socket } from 'node:net';
import { BulkheadError } from '../../../base/errors.ts';
import { POLL_MS, QMP_COMMAND_TIMEOUT_MS, QMP_CONNECT_TIMEOUT_MS } from './limits.ts';

/** Something that QEMU reported: `RESET`, `SHUTDOWN`, `WATCHDOG`, … */
export interface QmpEvent {
  event: string;
  data: Record<string, unknown>;
  /** Seconds since 1970, as QEMU stamped it. */
  at_s: number;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * QEMU's control protocol (docs/interop/qmp-spec.rst of QEMU): one JSON object per line over a Unix socket; answers
 * come in the order of the commands, events in between.
 */
export class Qmp {
  readonly events: QmpEvent[] = [];
  private readonly pending: Pending[] = [];
  private text = '';

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.receive(chunk));
    const closed = () => this.failAll(new BulkheadError('QMP_CLOSED', 'QEMU closed its control socket'));
    socket.on('close', closed);
    socket.on('error', closed);
  }

  /**
   * @param alive false once QEMU has ended, so that nobody waits for a socket that will never come
   * @throws BulkheadError QMP_CONNECT_FAILED
   */
  static async connect(path: string, alive: () => boolean): Promise<Qmp> {
    const deadline = Date.now() + QMP_CONNECT_TIMEOUT_MS;
    for (;;) {
      const socket = await tryConnect(path);
      if (socket) {
        const qmp = new Qmp(socket);
        await qmp.command('qmp_capabilities');
        return qmp;
      }
      if (!alive()) throw new BulkheadError('QMP_CONNECT_FAILED', 'QEMU ended before it could be controlled');
      if (Date.now() > deadline) {
        throw new BulkheadError(
          'QMP_CONNECT_FAILED',
          `no control socket at ${path} after ${QMP_CONNECT_TIMEOUT_MS} ms`,
        );
      }
      await Bun.sleep(POLL_MS);
    }
  }

  /**
   * Runs one command and returns its answer.
   *
   * @throws BulkheadError QMP_COMMAND_FAILED, QMP_CLOSED, QMP_TIMEOUT
   */
  async command(name: string, args: Record<string, unknown> = {}): Promise<unknown> {
    const answer = new Promise<unknown>((resolve, reject) => this.pending.push({ resolve, reject }));
    this.socket.write(`${JSON.stringify({ execute: name, arguments: args })}\n`);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new BulkheadError('QMP_TIMEOUT', `QEMU did not answer '${name}'`)),
        QMP_COMMAND_TIMEOUT_MS,
      );
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: string): void {
    this.text += chunk;
    for (let end = this.text.indexOf('\n'); end >= 0; end = this.text.indexOf('\n')) {
      const line = this.text.slice(0, end);
      this.text = this.text.slice(end + 1);
      this.take(JSON.parse(line) as Record<string, unknown>);
    }
  }

  private take(message: Record<string, unknown>): void {
    if (typeof message['event'] === 'string') {
      const { seconds, microseconds } = message['timestamp'] as { seconds: number; microseconds: number };
      const data = (message['data'] ?? {}) as Record<string, unknown>;
      this.events.push({ event: message['event'], data, at_s: seconds + microseconds / 1e6 });
    } else if ('return' in message) {
      this.pending.shift()?.resolve(message['return']);
    } else if ('error' in message) {
      const { desc } = message['error'] as { desc: string };
      this.pending.shift()?.reject(new BulkheadError('QMP_COMMAND_FAILED', `QEMU: ${desc}`));
    }
  }

  private failAll(error: Error): void {
    for (const { reject } of this.pending.splice(0)) reject(error);
  }
}

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', () => resolve(undefined));
  });
}

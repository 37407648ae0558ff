import type { BulkheadError } from '../../../../base/errors.ts';
import { GRACE_MS, OUTPUT_MAX_BYTES, WINRM_CLEANUP_MS, WINRM_POLL_S } from '../limits.ts';
import { openWinrm, type WinrmConnection, type WinrmPeer } from './connection.ts';
import { faultError, OPERATION_TIMED_OUT, readEnvelope, readFault, winrmError } from './errors.ts';
import * as messages from './messages.ts';
import type { NtlmChance } from './ntlm/messages.ts';
import { whereOf } from './socket.ts';
import { descendant, descendants, type XmlElement } from './xml.ts';

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface WinrmShell {
  /**
   * Runs one program to its end.
   *
   * @throws BulkheadError WINRM_TIMEOUT, WINRM_OUTPUT_TOO_LARGE, and of faults and the connection
   */
  run(program: string, args: readonly string[], options: { timeout_ms: number }): Promise<CommandResult>;
}

export interface ShellTools {
  chance: NtlmChance;
  uuid: () => string;
  /** Called for a shell that could not be taken away; WinRM does it by itself when it was idle for three minutes. */
  onLeft: (error: unknown) => void;
  grace_ms?: number;
}

/**
 * Logs in, makes a shell, works in it, and takes it away again whatever happens: after an error or a stop over a new connection,
 * because the old one may hang in the middle of an answer.
 */
export async function withWinrmShell<T>(
  peer: WinrmPeer,
  tools: ShellTools,
  signal: AbortSignal,
  work: (shell: WinrmShell) => Promise<T>,
): Promise<T> {
  const connection = await openWinrm(peer, tools.chance, signal);
  let session: ShellSession | undefined;
  try {
    session = await ShellSession.create(peer, tools, connection, signal);
    const result = await work(session);
    await session.remove(signal).catch(tools.onLeft);
    return result;
  } catch (error) {
    connection.close();
    if (session) await removeElsewhere(peer, tools, session).catch(tools.onLeft);
    throw error;
  } finally {
    connection.close();
  }
}

async function removeElsewhere(peer: WinrmPeer, tools: ShellTools, lost: ShellSession): Promise<void> {
  const limit = AbortSignal.timeout(WINRM_CLEANUP_MS);
  const connection = await openWinrm(peer, tools.chance, limit);
  try {
    await lost.over(connection).remove(limit);
  } finally {
    connection.close();
  }
}

class ShellSession implements WinrmShell {
  /** The command that runs, or may still run. */
  private command: string | null = null;

  private constructor(
    private readonly peer: WinrmPeer,
    private readonly tools: ShellTools,
    private readonly connection: WinrmConnection,
    private readonly signal: AbortSignal,
    private readonly id: string,
  ) {}

  static async create(peer: WinrmPeer, tools: ShellTools, connection: WinrmConnection, signal: AbortSignal) {
    const nameless = new ShellSession(peer, tools, connection, signal, '');
    const answer = await nameless.ask((frame) => messages.createShell(frame), signal);
    const selector = descendants(answer, 'Selector').find(
      ({ attributes }) => attributes['Name'] === 'ShellId',
    );
    const id = nameless.identifier(selector ?? descendant(answer, 'ShellId'));
    return new ShellSession(peer, tools, connection, signal, id);
  }

  over(connection: WinrmConnection): ShellSession {
    const other = new ShellSession(this.peer, this.tools, connection, this.signal, this.id);
    other.command = this.command;
    return other;
  }

  async run(
    program: string,
    args: readonly string[],
    { timeout_ms }: { timeout_ms: number },
  ): Promise<CommandResult> {
    const until = performance.now() + timeout_ms;
    const started = await this.ask(
      (frame) => messages.startCommand(frame, this.id, program, args),
      this.signal,
    );
    const command = this.identifier(descendant(started, 'CommandId'));
    this.command = command;
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let size_bytes = 0;
    for (;;) {
      const left_ms = until - performance.now();
      if (left_ms <= 0) throw this.timedOut(timeout_ms);
      const poll_s = Math.max(1, Math.min(WINRM_POLL_S, Math.ceil(left_ms / 1000)));
      const answer = await this.ask(
        (frame) => messages.receiveOutput(frame, this.id, command),
        this.signal,
        poll_s,
      );
      for (const { name, bytes } of streamsOf(answer, command)) {
        size_bytes += bytes.length;
        if (size_bytes > OUTPUT_MAX_BYTES) throw this.tooMuch();
        output[name].push(bytes);
      }
      const code = exitCode(answer, command);
      if (code === undefined) continue;
      await this.terminate(this.signal);
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
      return { code, stdout: text(output.stdout), stderr: text(output.stderr) };
    }
  }

  async remove(signal: AbortSignal): Promise<void> {
    try {
      if (this.command !== null) await this.terminate(signal);
    } finally {
      await this.ask((frame) => messages.deleteShell(frame, this.id), signal);
    }
  }

  /** Ends a command, and lets WinRM forget one that has ended. */
  private async terminate(signal: AbortSignal): Promise<void> {
    const { command } = this;
    if (command === null) return;
    await this.ask((frame) => messages.terminateCommand(frame, this.id, command), signal);
    this.command = null;
  }

  /** @returns the envelope that answers; an empty one when nothing happened in the time that was given */
  private async ask(
    message: (frame: messages.MessageFrame) => string,
    signal: AbortSignal,
    timeout_s = WINRM_POLL_S,
  ): Promise<XmlElement> {
    const { peer, tools, connection } = this;
    const where = whereOf(peer);
    const scheme = peer.certificate_sha256 === null ? 'http' : 'https';
    const frame = {
      to: `${scheme}://${peer.address}:${peer.port}/wsman`,
      message_id: tools.uuid(),
      timeout_s,
    };
    const silence_ms = timeout_s * 1000 + (tools.grace_ms ?? GRACE_MS);
    const silence = AbortSignal.timeout(silence_ms);
    let text: string;
    try {
      text = await connection.ask(message(frame), AbortSignal.any([signal, silence]));
    } catch (error) {
      if (silence.aborted && !signal.aborted)
        throw winrmError('WINRM_SILENT', `${where} has not answered for ${silence_ms} ms`, undefined, error);
      throw error;
    }
    const envelope = readEnvelope(where, text);
    const fault = readFault(envelope);
    if (fault && fault.code !== OPERATION_TIMED_OUT) throw faultError(where, fault);
    return fault ? { ...envelope, children: [] } : envelope;
  }

  /** Identifiers are UUIDs; whatever else came would go back into our own messages. */
  private identifier(element: XmlElement | undefined): string {
    const text = element?.text.trim() ?? '';
    if (/^[0-9A-Fa-f-]{8,64}$/.test(text)) return text;
    throw winrmError('WINRM_PROTOCOL', `${whereOf(this.peer)} does not say what it has made`);
  }

  private timedOut(timeout_ms: number): BulkheadError {
    return winrmError(
      'WINRM_TIMEOUT',
      `a command on ${whereOf(this.peer)} was still running after ${timeout_ms} ms`,
    );
  }

  private tooMuch(): BulkheadError {
    const words = `a command on ${whereOf(this.peer)} printed more than ${OUTPUT_MAX_BYTES} bytes`;
    return winrmError('WINRM_OUTPUT_TOO_LARGE', words);
  }
}

function streamsOf(answer: XmlElement, command: string): { name: 'stdout' | 'stderr'; bytes: Buffer }[] {
  return descendants(answer, 'Stream').flatMap(({ attributes, text }) => {
    const name = attributes['Name'];
    if (attributes['CommandId'] !== command || (name !== 'stdout' && name !== 'stderr')) return [];
    return [{ name, bytes: Buffer.from(text, 'base64') }];
  });
}

/** Of a command that is done; undefined while it runs. */
function exitCode(answer: XmlElement, command: string): number | undefined {
  const state = descendants(answer, 'CommandState').find(
    ({ attributes }) => attributes['CommandId'] === command,
  );
  if (!state?.attributes['State']?.endsWith('/CommandState/Done')) return undefined;
  const code = descendant(state, 'ExitCode')?.text.trim() ?? '';
  return /^-?\d{1,10}$/.test(code) ? Number(code) : -1;
}

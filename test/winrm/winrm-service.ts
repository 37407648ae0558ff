import { randomUUID } from 'node:crypto';

/** What a command does, by the script that PowerShell would have run. */
export interface FakeRun {
  stdout?: string;
  stderr?: string;
  code?: number;
  /** Never ends by itself. */
  hangs?: boolean;
  /** Prints without end. */
  endless?: boolean;
}

/** What the service does unlike a healthy one. */
export interface ServiceFaults {
  /** Code of a WSManFault that answers an action (the last word of its URI), instead of doing it. */
  fault?: Readonly<Record<string, number>>;
  /** Never answers an action. */
  mute?: readonly string[];
}

interface Command {
  pieces: { stream: string; bytes: Buffer }[];
  run: FakeRun;
  code: number;
}

const S = 'http://www.w3.org/2003/05/soap-envelope';
const A = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const W = 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd';
const SHELL = 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell';
/** Small, so that every output comes in pieces, and characters are cut in the middle. */
const PIECE_BYTES = 7;

/**
 * Remote shells as MS-WSMV 3.1.4 describes them, without the transport: an envelope in, an envelope out. Keeps count of what was made and
 * not taken away, and holds each message to what the specification asks of it.
 */
export class WinrmService {
  readonly shells = new Map<string, Map<string, Command>>();
  readonly asked: string[] = [];
  /** What was wrong with a message. */
  readonly complaints: string[] = [];
  faults: ServiceFaults = {};
  private readonly message_ids = new Set<string>();

  constructor(private readonly run: (script: string) => FakeRun) {}

  /** @returns null for no answer at all */
  async answer(text: string): Promise<{ status: number; envelope: string } | null> {
    const action = inner(text, 'Action');
    const name = action.slice(action.lastIndexOf('/') + 1);
    this.asked.push(name);
    this.hold(text, action);
    if (this.faults.mute?.includes(name)) return null;
    const code = this.faults.fault?.[name];
    if (code !== undefined) return fault(text, code, 'told to fail');
    const shell_id = /<(?:\w+:)?Selector Name="ShellId">([^<]*)</.exec(text)?.[1] ?? '';
    const shell = this.shells.get(shell_id);
    if (name === 'Create') return this.create(text);
    if (!shell) return fault(text, 2_150_858_843, 'invalid selectors');
    if (name === 'Delete') {
      this.shells.delete(shell_id);
      return reply(text, `${action}Response`, '');
    }
    if (name === 'Command') return this.start(text, shell);
    const id = /CommandId="([^"]+)"/.exec(text)?.[1] ?? '';
    const command = shell.get(id);
    if (!command) return fault(text, 2_150_858_843, 'no such command');
    if (name === 'Signal') {
      if (!text.includes(`${SHELL}/signal/terminate`)) this.complaints.push('another signal');
      shell.delete(id);
      return reply(text, `${SHELL}/SignalResponse`, '<rsp:SignalResponse/>');
    }
    return this.receive(text, id, command);
  }

  private create(text: string) {
    if (this.shells.size >= 5) return fault(text, 2_150_859_174, 'too many shells');
    const id = randomUUID().toUpperCase();
    this.shells.set(id, new Map());
    const selectors = `<w:SelectorSet><w:Selector Name="ShellId">${id}</w:Selector></w:SelectorSet>`;
    const created = `<x:ResourceCreated xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer"><a:ReferenceParameters><w:ResourceURI>${SHELL}/cmd</w:ResourceURI>${selectors}</a:ReferenceParameters></x:ResourceCreated>`;
    return reply(text, 'http://schemas.xmlsoap.org/ws/2004/09/transfer/CreateResponse', created);
  }

  private start(text: string, shell: Map<string, Command>) {
    const args = [...text.matchAll(/<rsp:Arguments>([^<]*)</g)].map((match) => match[1] ?? '');
    const line = [inner(text, 'Command', '>'), ...args].join(' ');
    if (line.length > 8191) return fault(text, 2_147_942_487, 'The command line is too long.');
    const encoded = args[args.indexOf('-EncodedCommand') + 1] ?? '';
    const run = this.run(Buffer.from(encoded, 'base64').toString('utf16le'));
    const pieces = [...inPieces('stdout', run.stdout ?? ''), ...inPieces('stderr', run.stderr ?? '')];
    const id = randomUUID().toUpperCase();
    shell.set(id, { pieces, run, code: run.code ?? 0 });
    const body = `<rsp:CommandResponse><rsp:CommandId>${id}</rsp:CommandId></rsp:CommandResponse>`;
    return reply(text, `${SHELL}/CommandResponse`, body);
  }

  private async receive(text: string, id: string, command: Command) {
    const { run } = command;
    if (run.endless) command.pieces = [{ stream: 'stdout', bytes: Buffer.alloc(60_000, 'x') }];
    const pieces = command.pieces.splice(0, 40);
    if (pieces.length === 0 && run.hangs) {
      await Bun.sleep(Number(/PT(\d+)S/.exec(inner(text, 'OperationTimeout'))?.[1] ?? 1) * 1000);
      return fault(
        text,
        2_150_858_793,
        'The WS-Management service cannot complete the operation within the time.',
      );
    }
    const streams = pieces.map(
      ({ stream, bytes }) =>
        `<rsp:Stream Name="${stream}" CommandId="${id}">${bytes.toString('base64')}</rsp:Stream>`,
    );
    const done = command.pieces.length === 0 && !run.endless && !run.hangs;
    const state = done ? 'Done' : 'Running';
    const code = done ? `<rsp:ExitCode>${command.code}</rsp:ExitCode>` : '';
    const body = `<rsp:ReceiveResponse>${streams.join('')}<rsp:CommandState CommandId="${id}" State="${SHELL}/CommandState/${state}">${code}</rsp:CommandState></rsp:ReceiveResponse>`;
    return reply(text, `${SHELL}/ReceiveResponse`, body);
  }

  /** What DSP0226 5.4 and MS-WSMV 2.2.4 ask of every message. */
  private hold(text: string, action: string) {
    const id = inner(text, 'MessageID');
    if (!/^uuid:[0-9a-fA-F-]{36}$/.test(id) || this.message_ids.has(id))
      this.complaints.push(`MessageID ${id}`);
    this.message_ids.add(id);
    if (!/^https?:\/\/[^/]+\/wsman$/.test(inner(text, 'To'))) this.complaints.push('To');
    if (inner(text, 'ResourceURI') !== `${SHELL}/cmd`) this.complaints.push('ResourceURI');
    if (!inner(text, 'Address').endsWith('/role/anonymous')) this.complaints.push('ReplyTo');
    if (!/^PT\d+S$/.test(inner(text, 'OperationTimeout'))) this.complaints.push('OperationTimeout');
    if (Number(inner(text, 'MaxEnvelopeSize')) < 8192) this.complaints.push('MaxEnvelopeSize');
    if (action === '') this.complaints.push('Action');
  }
}

function inner(text: string, name: string, before = '[^>]*>'): string {
  return new RegExp(`<(?:\\w+:)?${name}${before}([^<]*)<`).exec(text)?.[1] ?? '';
}

function inPieces(stream: string, text: string) {
  const bytes = Buffer.from(text);
  const count = Math.ceil(bytes.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, index) => ({
    stream,
    bytes: bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
  }));
}

function reply(request: string, action: string, body: string) {
  return { status: 200, envelope: envelope(request, action, body) };
}

function fault(request: string, code: number, words: string) {
  const detail = `<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="${code}" Machine="desk-7"><f:Message>${words}</f:Message></f:WSManFault>`;
  const body = `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:InternalError</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">${words}</s:Text></s:Reason><s:Detail>${detail}</s:Detail></s:Fault>`;
  return {
    status: 500,
    envelope: envelope(request, 'http://schemas.dmtf.org/wbem/wsman/1/wsman/fault', body),
  };
}

function envelope(request: string, action: string, body: string): string {
  const id = inner(request, 'MessageID');
  return `<s:Envelope xml:lang="en-US" xmlns:s="${S}" xmlns:a="${A}" xmlns:w="${W}" xmlns:rsp="${SHELL}"><s:Header><a:Action>${action}</a:Action><a:MessageID>uuid:${randomUUID()}</a:MessageID><a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To><a:RelatesTo>${id}</a:RelatesTo></s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

import { WINRM_ENVELOPE_MAX_BYTES, WINRM_SHELL_IDLE_S } from '../limits.ts';
import { escapeXml } from './xml.ts';

/** The messages of a remote shell (MS-WSMV 3.1.4, DSP0226). */
const TRANSFER = 'http://schemas.xmlsoap.org/ws/2004/09/transfer';
const SHELL = 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell';
const RESOURCE = `${SHELL}/cmd`;
const NAMESPACES = [
  ['s', 'http://www.w3.org/2003/05/soap-envelope'],
  ['a', 'http://schemas.xmlsoap.org/ws/2004/08/addressing'],
  ['w', 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'],
  ['p', 'http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd'],
  ['rsp', SHELL],
];
const ANONYMOUS = 'http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous';

/** What every message says about itself. */
export interface MessageFrame {
  /** Address of the service. */
  to: string;
  /** UUID. */
  message_id: string;
  /** How long the machine may take before it says that it took too long. */
  timeout_s: number;
}

export function createShell(frame: MessageFrame): string {
  const body =
    `<rsp:Shell><rsp:IdleTimeOut>PT${WINRM_SHELL_IDLE_S}S</rsp:IdleTimeOut>` +
    '<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>';
  const options = { WINRS_NOPROFILE: 'TRUE', WINRS_CODEPAGE: '65001' };
  return envelope(frame, `${TRANSFER}/Create`, null, options, body);
}

export function startCommand(
  frame: MessageFrame,
  shell: string,
  program: string,
  args: readonly string[],
): string {
  const words = args.map((arg) => `<rsp:Arguments>${escapeXml(arg)}</rsp:Arguments>`).join('');
  const body = `<rsp:CommandLine><rsp:Command>${escapeXml(program)}</rsp:Command>${words}</rsp:CommandLine>`;
  const options = { WINRS_CONSOLEMODE_STDIN: 'TRUE', WINRS_SKIP_CMD_SHELL: 'FALSE' };
  return envelope(frame, `${SHELL}/Command`, shell, options, body);
}

export function receiveOutput(frame: MessageFrame, shell: string, command: string): string {
  const body = `<rsp:Receive><rsp:DesiredStream CommandId="${escapeXml(command)}">stdout stderr</rsp:DesiredStream></rsp:Receive>`;
  return envelope(frame, `${SHELL}/Receive`, shell, {}, body);
}

export function terminateCommand(frame: MessageFrame, shell: string, command: string): string {
  const body = `<rsp:Signal CommandId="${escapeXml(command)}"><rsp:Code>${SHELL}/signal/terminate</rsp:Code></rsp:Signal>`;
  return envelope(frame, `${SHELL}/Signal`, shell, {}, body);
}

export function deleteShell(frame: MessageFrame, shell: string): string {
  return envelope(frame, `${TRANSFER}/Delete`, shell, {}, '');
}

function envelope(
  { to, message_id, timeout_s }: MessageFrame,
  action: string,
  shell: string | null,
  options: Readonly<Record<string, string>>,
  body: string,
): string {
  const must = 's:mustUnderstand="true"';
  const names = NAMESPACES.map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`).join('');
  const listed = Object.entries(options)
    .map(([name, value]) => `<w:Option Name="${name}">${value}</w:Option>`)
    .join('');
  const header = [
    `<a:To>${escapeXml(to)}</a:To>`,
    `<a:ReplyTo><a:Address ${must}>${ANONYMOUS}</a:Address></a:ReplyTo>`,
    `<w:MaxEnvelopeSize ${must}>${WINRM_ENVELOPE_MAX_BYTES}</w:MaxEnvelopeSize>`,
    `<a:MessageID>uuid:${message_id}</a:MessageID>`,
    '<w:Locale xml:lang="en-US" s:mustUnderstand="false"/><p:DataLocale xml:lang="en-US" s:mustUnderstand="false"/>',
    `<w:OperationTimeout>PT${timeout_s}S</w:OperationTimeout>`,
    `<w:ResourceURI ${must}>${RESOURCE}</w:ResourceURI>`,
    `<a:Action ${must}>${action}</a:Action>`,
    ...(shell === null
      ? []
      : [`<w:SelectorSet><w:Selector Name="ShellId">${escapeXml(shell)}</w:Selector></w:SelectorSet>`]),
    ...(listed === '' ? [] : [`<w:OptionSet ${must}>${listed}</w:OptionSet>`]),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope${names}><s:Header>${header.join('')}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

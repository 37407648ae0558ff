import { BulkheadError } from '../../../../base/errors.ts';
import { plainText } from '../outcome.ts';
import { childOf, descendant, parseXml, type XmlElement } from './xml.ts';

/** What is said about a machine that could not be worked with. */
export function winrmError(code: string, words: string, hint?: string, cause?: unknown): BulkheadError {
  return new BulkheadError(code, words, { ...(hint === undefined ? {} : { hint }), cause });
}

/** Nothing happened within the time that was given: not an error, but a reason to ask again (WSManFault code). */
export const OPERATION_TIMED_OUT = '2150858793';

/** Codes of WSManFault (WSMERROR.H) that a person can do something about. */
const KNOWN: Readonly<Record<string, readonly [code: string, words: string, hint: string]>> = {
  '5': [
    'WINRM_ACCESS_DENIED',
    'lets the user in, but not do this',
    'the user has to be an administrator there, or a member of Remote Management Users; local accounts need LocalAccountTokenFilterPolicy',
  ],
  '2150859173': [
    'WINRM_TOO_MANY_OPERATIONS',
    'has as many operations of this user as it allows',
    'wait for them, or raise MaxConcurrentOperationsPerUser there',
  ],
  '2150859174': [
    'WINRM_TOO_MANY_SHELLS',
    'has as many shells of this user as it allows',
    'wait for them to end (at most two hours), or raise MaxShellsPerUser there',
  ],
  '2150858843': [
    'WINRM_SHELL_GONE',
    'no longer knows the shell',
    'its WinRM was started again, or a policy ends shells early',
  ],
};

/** What a SOAP fault says (DSP0226, 14; MS-WSMV 2.2.4.43). */
export interface Fault {
  /** Code of WSManFault; empty where there is none. */
  code: string;
  words: string;
}

/** The fault in an answer; undefined when there is none. */
export function readFault(envelope: XmlElement): Fault | undefined {
  const body = childOf(envelope, 'Body');
  const fault = body && childOf(body, 'Fault');
  if (!fault) return undefined;
  const detail = descendant(fault, 'WSManFault');
  const reason = descendant(fault, 'Text')?.text ?? '';
  const message = (detail && descendant(detail, 'Message')?.text) || reason;
  return { code: detail?.attributes['Code'] ?? '', words: plainText(message.trim() || reason) };
}

/** @param where the machine, as messages name it */
export function faultError(where: string, fault: Fault): BulkheadError {
  const known = KNOWN[fault.code];
  if (known) return winrmError(known[0], `${where} ${known[1]}`, known[2]);
  const number = fault.code === '' ? '' : ` (${fault.code})`;
  return winrmError('WINRM_FAULT', `${where} answers with a fault${number}: ${fault.words}`);
}

/** An answer that is no envelope: its status says what is wrong. */
export function statusError(where: string, status: number): BulkheadError {
  if (status === 401)
    return winrmError(
      'WINRM_LOGIN_REFUSED',
      `${where} does not let the user in`,
      'is the password right, is the domain written before the user (DOMAIN\\user), is the account locked?',
    );
  if (status === 403) return winrmError('WINRM_ACCESS_DENIED', `${where} forbids it`, KNOWN['5']?.[2]);
  if (status === 404 || status === 405)
    return winrmError(
      'WINRM_NOT_ENABLED',
      `${where} has no WinRM`,
      "'Enable-PSRemoting' there switches it on",
    );
  return winrmError('WINRM_PROTOCOL', `${where} answers with HTTP ${status}`);
}

/** The envelope of an answer. @throws BulkheadError WINRM_PROTOCOL */
export function readEnvelope(where: string, text: string): XmlElement {
  const root = parseXml(text);
  if (root?.name === 'Envelope' && root.namespace === 'http://www.w3.org/2003/05/soap-envelope') return root;
  throw winrmError('WINRM_PROTOCOL', `${where} answers with something that is no SOAP 1.2 envelope`);
}

import { winrmError } from './errors.ts';
import type { NtlmSealing } from './ntlm/sealing.ts';
import { SIGNATURE_BYTES } from './ntlm/sealing.ts';

/** Messages within messages, as plain HTTP carries them (MS-WSMV 2.2.9.1). */
const PROTOCOL = 'application/HTTP-SPNEGO-session-encrypted';
const BOUNDARY = 'Encrypted Boundary';
export const ENCRYPTED_TYPE = `multipart/encrypted;protocol="${PROTOCOL}";boundary="${BOUNDARY}"`;

export function sealBody(sealing: NtlmSealing, envelope: string): Buffer {
  const plain = Buffer.from(envelope);
  const { signature, sealed } = sealing.seal(plain);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(signature.length);
  const head = [
    `--${BOUNDARY}`,
    `Content-Type: ${PROTOCOL}`,
    `OriginalContent: type=application/soap+xml;charset=UTF-8;Length=${plain.length}`,
    `--${BOUNDARY}`,
    'Content-Type: application/octet-stream',
    '',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(head), size, signature, sealed, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

const HEAD =
  /^--Encrypted Boundary\r\n\s*Content-Type: application\/HTTP-SPNEGO-session-encrypted\r\n\s*OriginalContent: type=application\/soap\+xml;charset=UTF-8;Length=(\d{1,7})\r\n--Encrypted Boundary\r\n\s*Content-Type: application\/octet-stream\r\n/i;
const HEAD_MAX_BYTES = 512;

/**
 * What is read is where the lengths say it is: encrypted bytes may look like a boundary.
 *
 * @throws BulkheadError WINRM_NOT_ENCRYPTED for anything else, NTLM_SIGNATURE_WRONG
 */
export function unsealBody(sealing: NtlmSealing, body: Buffer): string {
  const head = HEAD.exec(body.toString('latin1', 0, HEAD_MAX_BYTES));
  const refuse = (why: string) =>
    winrmError('WINRM_NOT_ENCRYPTED', `the answer is not encrypted as it should be: ${why}`);
  if (!head) throw refuse('it does not begin so');
  const at = head[0].length;
  const size_bytes = Number(head[1]);
  if (body.length < at + 4 || body.readUInt32LE(at) !== SIGNATURE_BYTES)
    throw refuse('its signature has another size');
  const sealed_at = at + 4 + SIGNATURE_BYTES;
  const end = sealed_at + size_bytes;
  if (!/^--Encrypted Boundary--(\r\n)?$/.test(body.toString('latin1', end)))
    throw refuse('it has another size');
  return sealing.unseal(body.subarray(at + 4, sealed_at), body.subarray(sealed_at, end)).toString('utf8');
}

import { createCipheriv } from 'node:crypto';
import { BulkheadError } from '../../../../../base/errors.ts';
import { type Attribute, readAttributes, writeAttributes } from './attributes.ts';
import { AV, NTLM, SIGNATURE, VERSION } from './flags.ts';
import { hmacMd5, ntlmv2Response, unicode } from './hashes.ts';

/** What is asked for, and all of it insisted upon but 56-bit keys and the version: less would not protect what is said. */
const WANTED =
  NTLM.UNICODE |
  NTLM.REQUEST_TARGET |
  NTLM.SIGN |
  NTLM.SEAL |
  NTLM.NTLM |
  NTLM.ALWAYS_SIGN |
  NTLM.EXTENDED_SESSION_SECURITY |
  NTLM.TARGET_INFO |
  NTLM.VERSION |
  NTLM.KEY_128 |
  NTLM.KEY_EXCHANGE |
  NTLM.KEY_56;
const NEEDED = WANTED & ~(NTLM.KEY_56 | NTLM.VERSION | NTLM.REQUEST_TARGET | NTLM.ALWAYS_SIGN);
const NEGOTIATE_BYTES = 40;
const CHALLENGE_MIN_BYTES = 48;
const AUTHENTICATE_HEAD_BYTES = 88;
const MIC_AT = 72;
/** The message carries a code over all three messages (MS-NLMP 2.2.2.1, MsvAvFlags). */
const MIC_PROVIDED = 2;

export interface NtlmUser {
  user: string;
  domain: string;
  password: string;
}

/** What a log-in draws from outside. */
export interface NtlmChance {
  random(size_bytes: number): Buffer;
  now(): Date;
}

export interface NtlmChallenge {
  flags: number;
  server_challenge: Buffer;
  attributes: Attribute[];
  /** As it came: the code over all messages is made over it. */
  message: Buffer;
}

/** NEGOTIATE_MESSAGE (MS-NLMP 2.2.1.1): names neither user nor machine. */
export function negotiateMessage(): Buffer {
  const message = Buffer.alloc(NEGOTIATE_BYTES);
  SIGNATURE.copy(message);
  message.writeUInt32LE(1, 8);
  message.writeUInt32LE(WANTED >>> 0, 12);
  message.writeUInt32LE(NEGOTIATE_BYTES, 20);
  message.writeUInt32LE(NEGOTIATE_BYTES, 28);
  VERSION.copy(message, 32);
  return message;
}

/**
 * CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2).
 *
 * @throws BulkheadError NTLM_CHALLENGE_INVALID, NTLM_TOO_WEAK when the server offers less than 128-bit keys and NTLMv2
 */
export function readChallenge(message: Buffer): NtlmChallenge {
  const damaged = (why: string) =>
    new BulkheadError('NTLM_CHALLENGE_INVALID', `the challenge of NTLM ${why}`);
  if (message.length < CHALLENGE_MIN_BYTES || !message.subarray(0, 8).equals(SIGNATURE))
    throw damaged('is cut off');
  if (message.readUInt32LE(8) !== 2) throw damaged('is another message');
  const flags = message.readUInt32LE(20);
  if (((flags & NEEDED) | 0) !== (NEEDED | 0)) {
    throw new BulkheadError(
      'NTLM_TOO_WEAK',
      'the machine offers weaker protection than NTLMv2 with 128-bit keys',
      {
        hint: 'either something stands in between, or a policy of the machine allows weak sessions',
      },
    );
  }
  const size_bytes = message.readUInt16LE(40);
  const at = message.readUInt32LE(44);
  if (at + size_bytes > message.length) throw damaged('is cut off');
  const attributes = readAttributes(message.subarray(at, at + size_bytes));
  if (!attributes) throw damaged('has damaged attributes');
  return { flags, server_challenge: message.subarray(24, 32), attributes, message };
}

/**
 * AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3), with the code over all messages where the server tells its time.
 *
 * @param options `service`: who is spoken to (`HTTP/name`); `channel`: binding of the TLS channel, 16 bytes, null without TLS
 * @returns the message and the key of the session
 */
export function authenticateMessage(
  who: NtlmUser,
  challenge: NtlmChallenge,
  chance: NtlmChance,
  options: { service: string; channel: Uint8Array | null; workstation?: string },
): { message: Buffer; session_key: Buffer } {
  const told = challenge.attributes.find(({ id }) => id === AV.TIMESTAMP)?.value;
  const own = told === undefined ? [] : ownAttributes(challenge.attributes, options);
  const response = ntlmv2Response({
    ...who,
    server_challenge: challenge.server_challenge,
    client_challenge: chance.random(8),
    timestamp: told ?? fileTime(chance.now()),
    target_info: writeAttributes([...challenge.attributes, ...own]),
    without_lm: told !== undefined,
  });
  const session_key = chance.random(16);
  const payload = [
    response.lm_response,
    response.nt_response,
    unicode(who.domain),
    unicode(who.user),
    unicode(options.workstation ?? ''),
    rc4(response.session_base_key, session_key),
  ];
  const message = Buffer.concat([Buffer.alloc(AUTHENTICATE_HEAD_BYTES), ...payload]);
  SIGNATURE.copy(message);
  message.writeUInt32LE(3, 8);
  let at = AUTHENTICATE_HEAD_BYTES;
  payload.forEach((field, index) => {
    message.writeUInt16LE(field.length, 12 + index * 8);
    message.writeUInt16LE(field.length, 14 + index * 8);
    message.writeUInt32LE(at, 16 + index * 8);
    at += field.length;
  });
  message.writeUInt32LE((challenge.flags & WANTED) >>> 0, 60);
  VERSION.copy(message, 64);
  if (told !== undefined)
    hmacMd5(session_key, negotiateMessage(), challenge.message, message).copy(message, MIC_AT);
  return { message, session_key };
}

function ownAttributes(
  theirs: readonly Attribute[],
  { service, channel }: { service: string; channel: Uint8Array | null },
): Attribute[] {
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(MIC_PROVIDED);
  const own = [
    { id: AV.FLAGS, value: flags },
    { id: AV.CHANNEL_BINDINGS, value: Buffer.from(channel ?? Buffer.alloc(16)) },
    { id: AV.TARGET_NAME, value: unicode(service) },
  ];
  return own.filter(({ id }) => theirs.every((attribute) => attribute.id !== id));
}

function rc4(key: Uint8Array, bytes: Uint8Array): Buffer {
  return createCipheriv('rc4', key, null).update(bytes);
}

function fileTime(at: Date): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(at.getTime()) + 11_644_473_600_000n) * 10_000n);
  return time;
}

import { BulkheadError } from '../../base/errors.ts';
import { SIGNATURE_WINDOW_S } from '../limits.ts';
import { parseSessionKeyName, type SessionKeyName } from '../session-key/name.ts';
import { digestMatches } from './content-digest.ts';
import {
  COVERED_COMPONENTS,
  DEVICE_PROFILE,
  SEQUENCE_FIELD,
  SESSION_PROFILE,
  SIGNATURE_LABEL,
} from './profile.ts';
import { type SignableRequest, signatureBase } from './signature-base.ts';
import { malformed, parseBytes, parseSignatureInput, type SignatureInput } from './structured-fields.ts';

export interface ReceivedRequest extends SignableRequest {
  /** The bytes as they came; they are what the digest is of and what is parsed afterwards. */
  body: Uint8Array;
}

/** A request that says who made it. Nothing is proven before `signature` has been checked over `base` with that key. */
export interface ClaimedRequest {
  /** Device id of the key, 64 hexadecimal digits. */
  key_id: string;
  /** The session key of that device which signed; null: the device's own key did. */
  session: SessionKeyName | null;
  sequence: number;
  created_s: number;
  base: Uint8Array;
  signature: Uint8Array;
}

/** What the reader of a request knows by itself. */
export interface Reader {
  /** Whether a Host is one of the reader's own names: a request that was signed for somebody else is not passed on to us. */
  isOwnAuthority(authority: string): boolean;
  now_s: number;
}

const KEY_ID = /^[0-9a-f]{64}$/;
/** `expires` and `nonce` would promise what is not done: time is the window's matter, repetition the sequence's. */
const KNOWN_PARAMETERS = ['created', 'keyid', 'alg', 'tag'];
const SEQUENCE = /^[1-9]\d{0,15}$/;

/**
 * Everything about a signed request that can be judged without its key: the form, what is covered, host, time, body.
 *
 * @throws BulkheadError SIGNATURE_MISSING, SIGNATURE_MALFORMED, SIGNATURE_COMPONENT, SIGNATURE_INCOMPLETE, SIGNATURE_HOST,
 *   SIGNATURE_TIME, SIGNATURE_BODY
 */
export function readSignedRequest(request: ReceivedRequest, reader: Reader): ClaimedRequest {
  const inputField = request.field('signature-input');
  const signatureField = request.field('signature');
  if (inputField === null || signatureField === null)
    throw new BulkheadError('SIGNATURE_MISSING', 'the request carries no signature');
  const input = parseSignatureInput(inputField).find(({ label }) => label === SIGNATURE_LABEL);
  const signature = parseBytes(signatureField, 'Signature').get(SIGNATURE_LABEL);
  if (!input || !signature)
    throw new BulkheadError(
      'SIGNATURE_MISSING',
      `the request carries no signature named '${SIGNATURE_LABEL}'`,
    );
  const { key_id, session, created_s } = checkInput(input);
  const sequence = request.field(SEQUENCE_FIELD) ?? '';
  if (!SEQUENCE.test(sequence) || !Number.isSafeInteger(Number(sequence)))
    throw malformed(`${SEQUENCE_FIELD} is no number from 1 to ${Number.MAX_SAFE_INTEGER}`);
  if (!reader.isOwnAuthority(request.authority.toLowerCase()))
    throw new BulkheadError('SIGNATURE_HOST', `the request is for '${request.authority.slice(0, 200)}'`, {
      hint: 'that is none of the names of this coordinator; start it with --url and the name that appliances use',
    });
  if (Math.abs(reader.now_s - created_s) > SIGNATURE_WINDOW_S)
    throw new BulkheadError(
      'SIGNATURE_TIME',
      `the request was signed ${Math.abs(reader.now_s - created_s)} s ${created_s < reader.now_s ? 'ago' : 'ahead'}`,
      { hint: `more than ${SIGNATURE_WINDOW_S} s are not taken; server_time is the time here` },
    );
  const base = signatureBase(request, input);
  if (!digestMatches(request.field('content-digest') ?? '', request.body))
    throw new BulkheadError('SIGNATURE_BODY', 'the body is not the one that was signed');
  return { key_id, session, sequence: Number(sequence), created_s, base, signature };
}

/** @throws BulkheadError SIGNATURE_MALFORMED, SIGNATURE_INCOMPLETE */
function checkInput({ components, parameters }: SignatureInput) {
  const absent = COVERED_COMPONENTS.filter((name) => !components.includes(name));
  if (absent.length > 0)
    throw new BulkheadError('SIGNATURE_INCOMPLETE', `the signature does not cover ${absent.join(', ')}`);
  const strange = [...parameters.keys()].find((name) => !KNOWN_PARAMETERS.includes(name));
  if (strange !== undefined) throw malformed(`it has the parameter '${strange}', which means nothing here`);
  const tag = parameters.get('tag');
  const profile = [DEVICE_PROFILE, SESSION_PROFILE].find((known) => known.tag === tag);
  if (!profile) throw malformed(`its tag is neither '${DEVICE_PROFILE.tag}' nor '${SESSION_PROFILE.tag}'`);
  if (parameters.get('alg') !== profile.alg) throw malformed(`its alg is not '${profile.alg}'`);
  const created_s = parameters.get('created');
  if (typeof created_s !== 'number' || created_s < 0) throw malformed('its created is no time');
  return { ...signerOf(parameters.get('keyid'), profile === SESSION_PROFILE), created_s };
}

/** @throws BulkheadError SIGNATURE_MALFORMED */
function signerOf(keyid: unknown, inSession: boolean): { key_id: string; session: SessionKeyName | null } {
  if (typeof keyid !== 'string') throw malformed('it has no keyid');
  if (inSession) {
    const session = parseSessionKeyName(keyid);
    if (!session) throw malformed('its keyid is no name of a session key');
    return { key_id: session.key_id, session };
  }
  if (!KEY_ID.test(keyid)) throw malformed('its keyid is no device id');
  return { key_id: keyid, session: null };
}

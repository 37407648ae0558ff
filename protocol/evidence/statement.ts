import type { Static, TSchema } from '@sinclair/typebox';
import { BulkheadError, describeError } from '../../base/errors.ts';
import {
  type Envelope,
  type EnvelopeJson,
  envelopeFromJson,
  envelopeToJson,
  type Signer,
  signEnvelope,
  verifyEnvelope,
} from '../../base/signing/dsse.ts';
import { keyId } from '../../base/signing/key-id.ts';
import { parseSignedJson } from '../../base/signing/signed-json.ts';
import { canonicalJson, type JsonObject } from './canonical.ts';

/** One kind of signed statement: its type in the envelope keeps it from passing for another, and an order from passing for it. */
export interface StatementKind<S extends TSchema> {
  payload_type: string;
  schema: S;
}

/** @param name of the type: `evidence-key` */
export function statementKind<S extends TSchema>(name: string, schema: S): StatementKind<S> {
  return { payload_type: `application/vnd.bulkhead.${name}.v1+json`, schema };
}

/** The statement in an envelope (DSSE), written in its one form and signed. */
export function sealStatement<S extends TSchema>(
  { payload_type }: StatementKind<S>,
  statement: Static<S>,
  signer: Signer,
): EnvelopeJson {
  const payload = new TextEncoder().encode(canonicalJson(statement as JsonObject));
  const unsigned: Envelope = { payloadType: payload_type, payload, signatures: [] };
  return envelopeToJson(signEnvelope(unsigned, signer));
}

/**
 * What somebody states, read from the bytes that this key has signed.
 *
 * @param keys raw public keys; one of them has to have signed
 * @throws BulkheadError EVIDENCE_STATEMENT_INVALID
 */
export function openStatement<S extends TSchema>(
  kind: StatementKind<S>,
  json: unknown,
  keys: readonly Uint8Array[],
): Static<S> {
  try {
    const envelope = envelopeFromJson(json, kind.payload_type);
    const known = new Map(keys.map((key) => [keyId(key), key]));
    if (verifyEnvelope(envelope, known).length === 0) throw new Error('it is signed with another key');
    return parseSignedJson(envelope.payload, kind.schema);
  } catch (error) {
    throw invalid(kind, error);
  }
}

/**
 * What an envelope says, believed by nobody yet: for finding the key that it has to be signed with.
 *
 * @throws BulkheadError EVIDENCE_STATEMENT_INVALID
 */
export function peekStatement<S extends TSchema>(kind: StatementKind<S>, json: unknown): Static<S> {
  try {
    return parseSignedJson(envelopeFromJson(json, kind.payload_type).payload, kind.schema);
  } catch (error) {
    throw invalid(kind, error);
  }
}

function invalid(kind: StatementKind<TSchema>, cause: unknown): BulkheadError {
  const what = kind.payload_type.replace(/^application\/vnd\.bulkhead\.|\.v1\+json$/g, '');
  return new BulkheadError(
    'EVIDENCE_STATEMENT_INVALID',
    `the signed statement '${what}' is not to be trusted`,
    {
      cause,
      hint: describeError(cause).includes('another key') ? 'name the right key' : 'it was changed or damaged',
    },
  );
}

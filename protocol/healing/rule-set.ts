import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { parseDocument } from 'yaml';
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
import { ENVELOPE_MAX_BYTES } from '../../base/signing/limits.ts';
import { parseSignedJson } from '../../base/signing/signed-json.ts';
import { PROBLEMS_SHOWN, RULE_FILE_MAX_BYTES, RULES_MAX, TEXT_MAX } from './limits.ts';
import { Rule, RuleId, ruleProblems } from './rule.ts';

const RULES_PAYLOAD_TYPE = 'application/vnd.bulkhead.healing-rules.v1+json';

/** Ids of rules that come with the program begin so; a set cannot take one. */
export const BUILT_IN_PREFIX = 'bh-';

const content = {
  note: t.String({ maxLength: TEXT_MAX }),
  rules: t.Array(Rule, { maxItems: RULES_MAX }),
  /** Ids of built-in rules that are not used; ones that the program does not have say nothing. */
  switched_off: t.Array(RuleId, { maxItems: RULES_MAX }),
};

/** What an operator writes; `note` and `switched_off` may be left out. */
const RuleFile = t.Object(
  { note: t.Optional(content.note), rules: content.rules, switched_off: t.Optional(content.switched_off) },
  { additionalProperties: false },
);
export type RuleFile = Required<Static<typeof RuleFile>>;

/** Rules of the whole fleet, as the coordinator signs them. */
export const RuleSet = t.Object(
  {
    format: t.Literal(1),
    /** Rises with every set that the coordinator publishes. */
    version: t.Integer({ minimum: 1 }),
    ...content,
  },
  { additionalProperties: false },
);
export type RuleSet = Static<typeof RuleSet>;

/**
 * A file of rules, in YAML or JSON, with everything that is wrong in it at once.
 *
 * @throws BulkheadError HEALING_RULES_INVALID
 */
export function parseRuleFile(text: string): RuleFile {
  if (Buffer.byteLength(text) > RULE_FILE_MAX_BYTES)
    throw invalid([`it has more than ${RULE_FILE_MAX_BYTES} bytes`]);
  const document = parseDocument(text, { schema: 'core' });
  if (document.errors.length > 0)
    throw invalid(document.errors.map(({ message }) => message.split('\n')[0] ?? ''));
  let value: unknown;
  try {
    // No aliases: a small file could ask for gigabytes.
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw invalid([describeError(error)]);
  }
  if (!Value.Check(RuleFile, value)) throw invalid(formProblems(value));
  const file: RuleFile = {
    note: value.note ?? '',
    rules: value.rules,
    switched_off: value.switched_off ?? [],
  };
  checkContent(file);
  return file;
}

/** @throws BulkheadError HEALING_RULES_INVALID, HEALING_RULES_TOO_LARGE */
export function sealRuleSet(set: RuleSet, signer: Signer): EnvelopeJson {
  checkContent(set);
  const payload = new TextEncoder().encode(JSON.stringify(set));
  const unsigned: Envelope = { payloadType: RULES_PAYLOAD_TYPE, payload, signatures: [] };
  const envelope = envelopeToJson(signEnvelope(unsigned, signer));
  if (envelope.payload.length > ENVELOPE_MAX_BYTES)
    throw new BulkheadError(
      'HEALING_RULES_TOO_LARGE',
      `the rules have ${payload.length} bytes; an envelope takes fewer`,
    );
  return envelope;
}

/**
 * The rules in an envelope, read from exactly the bytes that were verified; as a whole or not at all.
 *
 * @param keys order keys of the coordinator: key id to raw public key
 * @returns the rules and the key that signed them
 * @throws BulkheadError DSSE_*; HEALING_RULES_UNTRUSTED, HEALING_RULES_INVALID
 */
export function readRuleSet(
  json: unknown,
  keys: ReadonlyMap<string, Uint8Array>,
): { set: RuleSet; key_id: string } {
  const envelope = envelopeFromJson(json, RULES_PAYLOAD_TYPE);
  const [key_id] = verifyEnvelope(envelope, keys);
  if (key_id === undefined)
    throw new BulkheadError(
      'HEALING_RULES_UNTRUSTED',
      'the rules are signed by nobody this appliance trusts',
      {
        hint: 'the coordinator was replaced, or its order key; enrol anew',
      },
    );
  let set: RuleSet;
  try {
    set = parseSignedJson(envelope.payload, RuleSet);
  } catch (cause) {
    throw invalid([describeError(cause)]);
  }
  checkContent(set);
  return { set, key_id };
}

function checkContent({ rules }: Pick<RuleSet, 'rules'>): void {
  const seen = new Set<string>();
  const problems = rules.flatMap((rule) => {
    const twice = seen.has(rule.id) ? [`${rule.id}: there are two of this id`] : [];
    seen.add(rule.id);
    const taken = rule.id.startsWith(BUILT_IN_PREFIX)
      ? [`${rule.id}: ids that begin with ${BUILT_IN_PREFIX} are those of built-in rules`]
      : [];
    return [...twice, ...taken, ...ruleProblems(rule)];
  });
  if (problems.length > 0) throw invalid(problems);
}

/** Of a condition that is of none of the forms, every form complains about itself; the place says enough. */
function formProblems(value: unknown): string[] {
  const places = new Map<string, string>();
  for (const { path, message } of Value.Errors(RuleFile, value))
    if (!places.has(path)) places.set(path, message);
  return [...places].map(([path, message]) => `${path || '/'}: ${message}`);
}

function invalid(problems: readonly string[]): BulkheadError {
  const shown = problems.slice(0, PROBLEMS_SHOWN).join('; ');
  const more = problems.length > PROBLEMS_SHOWN ? `; and ${problems.length - PROBLEMS_SHOWN} more` : '';
  return new BulkheadError('HEALING_RULES_INVALID', `the rules are refused as a whole: ${shown}${more}`, {
    hint: "'bulkhead healing check FILE' tells what a file of rules says; the form is in the documentation (reference, healing rules)",
  });
}

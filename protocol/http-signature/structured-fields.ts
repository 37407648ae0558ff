import { BulkheadError } from '../../base/errors.ts';
import { SIGNATURE_FIELD_MAX } from '../limits.ts';

/**
 * The part of Structured Field Values (RFC 9651) that HTTP Message Signatures need, read strictly: a dictionary of inner lists
 * of texts, and a dictionary of byte sequences. Only the one form that serialising gives is taken, so what was received can be
 * put into the signature base as it stands.
 */
export interface SignatureInput {
  label: string;
  /** Names of the covered components in their order: `@method`, `content-digest`. */
  components: readonly string[];
  parameters: ReadonlyMap<string, string | number>;
  /** The inner list with its parameters: the value of `@signature-params`. */
  text: string;
}

const KEY = '[a-z*][a-z0-9_.*-]*';
const TEXT = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*"';
const INTEGER = '-?\\d{1,15}';
const PARAMETER = `;(${KEY})=(${TEXT}|${INTEGER})`;
const LIST = `\\((?:${TEXT}(?: ${TEXT})*)?\\)`;
const BYTES = ':[A-Za-z0-9+/]*={0,2}:';

const LIST_MEMBER = new RegExp(`(${KEY})=((${LIST})((?:${PARAMETER})*))`, 'y');
const BYTES_MEMBER = new RegExp(`(${KEY})=(${BYTES})`, 'y');
const TEXTS = new RegExp(TEXT, 'g');
const PARAMETERS = new RegExp(PARAMETER, 'g');
const BETWEEN = /[ \t]*,[ \t]*/y;

/**
 * Signature-Input, RFC 9421 section 4.1.
 *
 * @throws BulkheadError SIGNATURE_MALFORMED
 */
export function parseSignatureInput(field: string): SignatureInput[] {
  return membersOf(field, LIST_MEMBER, 'Signature-Input').map(
    ([, label = '', text = '', list = '', rest = '']) => ({
      label,
      text,
      components: (list.match(TEXTS) ?? []).map(unquote),
      parameters: parametersOf(rest),
    }),
  );
}

/**
 * Signature (RFC 9421 section 4.2) and Content-Digest (RFC 9530 section 2): a name and bytes each.
 *
 * @throws BulkheadError SIGNATURE_MALFORMED
 */
export function parseBytes(field: string, name: string): Map<string, Uint8Array> {
  return new Map(
    membersOf(field, BYTES_MEMBER, name).map(([, key = '', coded = '']) => {
      const base64 = coded.slice(1, -1);
      const bytes = Buffer.from(base64, 'base64');
      if (bytes.toString('base64') !== base64)
        throw malformed(`${name} holds base64 in another than its one form`);
      return [key, Uint8Array.from(bytes)];
    }),
  );
}

/** The inner list of components with its parameters. */
export function serialiseInput(
  components: readonly string[],
  parameters: Readonly<Record<string, string | number>>,
): string {
  const values = Object.entries(parameters).map(
    ([name, value]) => `;${name}=${typeof value === 'number' ? value : quote(value)}`,
  );
  return `(${components.map(quote).join(' ')})${values.join('')}`;
}

export function serialiseBytes(bytes: Uint8Array): string {
  return `:${Buffer.from(bytes).toString('base64')}:`;
}

/** @throws BulkheadError SIGNATURE_MALFORMED */
function membersOf(field: string, member: RegExp, name: string): RegExpExecArray[] {
  if (field.length > SIGNATURE_FIELD_MAX) throw malformed(`${name} is longer than ${SIGNATURE_FIELD_MAX}`);
  const found: RegExpExecArray[] = [];
  let at = 0;
  while (at < field.length || found.length === 0) {
    if (found.length > 0) at = matchAt(BETWEEN, field, at, name).end;
    const next = matchAt(member, field, at, name);
    found.push(next.match);
    at = next.end;
  }
  const labels = new Set(found.map(([, label]) => label));
  if (labels.size !== found.length) throw malformed(`${name} has a member twice`);
  return found;
}

function matchAt(pattern: RegExp, field: string, at: number, name: string) {
  pattern.lastIndex = at;
  const match = pattern.exec(field);
  if (!match) throw malformed(`${name} cannot be read from character ${at + 1} on`);
  return { match, end: at + match[0].length };
}

function parametersOf(text: string): Map<string, string | number> {
  const values = new Map<string, string | number>();
  for (const [, name = '', value = ''] of text.matchAll(PARAMETERS)) {
    if (values.has(name)) throw malformed(`the parameter '${name}' is there twice`);
    values.set(name, value.startsWith('"') ? unquote(value) : Number(value));
  }
  return values;
}

function quote(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw malformed('a text outside printable ASCII');
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function unquote(quoted: string): string {
  const bare = quoted.slice(1, -1);
  return bare.includes('\\') ? bare.replace(/\\(["\\])/g, '$1') : bare;
}

export function malformed(why: string): BulkheadError {
  return new BulkheadError('SIGNATURE_MALFORMED', `the signature of the request cannot be read: ${why}`);
}

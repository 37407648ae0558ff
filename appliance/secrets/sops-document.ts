import { parse } from 'yaml';
import { BulkheadError } from '../../base/errors.ts';

/** A value of a sops file; maps keep the order of the file, which its MAC is over. */
export type SopsValue = string | number | bigint | boolean | null | SopsValue[] | Map<string, SopsValue>;

/** A sops file as it lies there: values, encrypted or not, and what sops says of them. */
export interface SopsDocument {
  values: Map<string, SopsValue>;
  /** The data key, encrypted for each recipient; armoured age files. */
  wrappedKeys: string[];
  /** RFC 3339, exactly as written: the MAC is bound to this text. */
  lastModified: string;
  mac: string;
}

/**
 * Reads a file of sops 3 in YAML or JSON.
 *
 * @throws BulkheadError SECRETS_FILE_INVALID; never quotes the file
 */
export function parseSops(text: string, place: string): SopsDocument {
  let document: unknown;
  try {
    // JSON is YAML. Integers keep every digit, because the MAC is over them as text.
    document = parse(text, { mapAsMap: true, intAsBigInt: true, schema: 'core', maxAliasCount: 0 });
  } catch {
    throw invalid(place, 'it is neither YAML nor JSON');
  }
  if (!(document instanceof Map)) throw invalid(place, 'it is no map');
  const about: unknown = document.get('sops');
  if (!(about instanceof Map)) throw invalid(place, "it has no section 'sops': it is not encrypted by sops");
  if (about.get('mac_only_encrypted') === true)
    throw invalid(place, 'it was made with mac_only_encrypted, which leaves values that anybody may change');
  if (about.has('shamir_threshold'))
    throw invalid(place, 'its key is split between groups (shamir_threshold)');
  const mac: unknown = about.get('mac');
  const lastModified: unknown = about.get('lastmodified');
  if (typeof mac !== 'string' || typeof lastModified !== 'string')
    throw invalid(place, 'it has no MAC, or does not say when it was made');
  const recipients: unknown = about.get('age');
  const wrappedKeys = (Array.isArray(recipients) ? recipients : []).flatMap((entry: unknown) => {
    const enc: unknown = entry instanceof Map ? entry.get('enc') : undefined;
    return typeof enc === 'string' ? [enc] : [];
  });
  if (wrappedKeys.length === 0) throw invalid(place, 'it is encrypted for no age key');
  const values = new Map<string, SopsValue>();
  for (const [key, value] of document) if (key !== 'sops') values.set(String(key), value as SopsValue);
  return { values, wrappedKeys, lastModified, mac };
}

function invalid(place: string, reason: string): BulkheadError {
  return new BulkheadError('SECRETS_FILE_INVALID', `${place} cannot be used: ${reason}`, {
    hint: "encrypt it with sops for this appliance's key: bulkhead secrets key",
  });
}

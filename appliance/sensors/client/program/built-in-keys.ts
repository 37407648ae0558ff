import { BulkheadError } from '../../../../base/errors.ts';
import { parseKeysetFile } from '../../../../updater/signing/keyset-file.ts';
import { acceptKeysets, anchorTrust, type TrustedKeys } from '../../../../updater/signing/trust.ts';
import { trustKeysetFile } from '../../../../updater/signing/trusted-keys.ts';

/** Key sets that the build puts in (`bun build --define`), as JSON; not there when the sensor runs from its source. */
declare const BULKHEAD_SENSOR_KEYSET: string | undefined;

/**
 * Whose programs this sensor takes: the key sets of a file, or those that were built in.
 *
 * @returns null where there are none: then there is no self-update
 */
export function sensorKeys(file: string | null): TrustedKeys | null {
  if (file !== null) return trustKeysetFile(file);
  if (typeof BULKHEAD_SENSOR_KEYSET !== 'string') return null;
  const [first, ...others] = parseKeysetFile(new TextEncoder().encode(BULKHEAD_SENSOR_KEYSET));
  if (first === undefined)
    throw new BulkheadError('KEYS_FILE_INVALID', 'there is no key set in this program');
  return acceptKeysets(anchorTrust(first), others).trusted;
}

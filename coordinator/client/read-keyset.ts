import { BulkheadError } from '../../base/errors.ts';
import { readBoundedFile } from '../../updater/signing/bounded-file.ts';
import { KEYSET_FILE_MAX_BYTES } from '../../updater/signing/limits.ts';

/** A file of key sets as it is; what is in it is judged by the coordinator. @throws BulkheadError RELEASE_KEYS_FILE */
export function readKeysetBytes(path: string): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readBoundedFile(path, KEYSET_FILE_MAX_BYTES);
  } catch (cause) {
    throw new BulkheadError('RELEASE_KEYS_FILE', `cannot read the key sets in ${path}`, { cause });
  }
  if (bytes) return bytes;
  throw new BulkheadError('RELEASE_KEYS_FILE', `${path} is longer than ${KEYSET_FILE_MAX_BYTES} bytes`);
}

/** The same as a value. @throws BulkheadError RELEASE_KEYS_FILE */
export function readKeysetJson(path: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(readKeysetBytes(path)));
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError('RELEASE_KEYS_FILE', `${path} is no JSON`, { cause });
  }
}

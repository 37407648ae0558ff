import { BulkheadError } from '../../base/errors.ts';
import type { ByteSource } from '../source.ts';

/** What an order says about the release that it means. */
export interface OrderedRelease {
  /** `ID/ATTEMPT`, for the records. */
  order: string;
  version: string;
  /** Of the whole bundle. */
  size_bytes: number;
  /** No maintenance window is waited for. */
  at_once: boolean;
}

/**
 * The digest of the whole file is not compared: most of it is not fetched. What is installed is held to the signed manifest, and
 * that to the version.
 *
 * @throws BulkheadError UPDATE_NOT_AS_ORDERED, and what the source throws
 */
export async function requireOrderedSize(bundle: ByteSource, ordered: OrderedRelease): Promise<void> {
  const size_bytes = await bundle.size_bytes();
  if (size_bytes !== ordered.size_bytes)
    throw notAsOrdered(`${bundle.name} has ${size_bytes} bytes, ordered was one of ${ordered.size_bytes}`);
}

/** @throws BulkheadError UPDATE_NOT_AS_ORDERED */
export function requireOrderedVersion(version: string, ordered: OrderedRelease): void {
  if (version !== ordered.version)
    throw notAsOrdered(`the bundle is release ${version}, ordered was ${ordered.version}`);
}

function notAsOrdered(message: string): BulkheadError {
  return new BulkheadError('UPDATE_NOT_AS_ORDERED', message, {
    hint: 'another file lies where the release was published; publish it again and order it anew',
  });
}

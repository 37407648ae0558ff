import { BulkheadError } from '../../base/errors.ts';

/** For options that may be given more than once. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/**
 * An instant as manifests and key sets have it; refused at once instead of after a minute of compressing.
 *
 * @throws BulkheadError BUNDLE_INSTANT_INVALID
 */
export async function requireInstant(text: string): Promise<string> {
  const { parseInstant } = await import('../../base/signing/instant.ts');
  if (parseInstant(text) !== undefined) return text;
  throw new BulkheadError('BUNDLE_INSTANT_INVALID', `'${text}' is no instant in UTC`, {
    hint: 'write it like 2027-06-30T00:00:00Z',
  });
}

/** @throws BulkheadError BUNDLE_VERSION_INVALID */
export async function requireVersion(text: string): Promise<string> {
  const { Value } = await import('@sinclair/typebox/value');
  const { ReleaseVersion } = await import('../../updater/bundle/manifest.ts');
  if (Value.Check(ReleaseVersion, text)) return text;
  throw new BulkheadError('BUNDLE_VERSION_INVALID', `'${text}' is no version of a release`, {
    hint: 'write it like 1.4.0',
  });
}

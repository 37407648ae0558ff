import { isRevoked, type Keyset } from '../../updater/signing/keyset.ts';
import type { KeysetState } from '../../updater/signing/sign-keyset.ts';

/** What a key set lacks until anybody takes it; null when nothing is missing. */
export function missingText({ before, own }: KeysetState['missing']): string | null {
  const parts = [
    ...(before > 0 ? [`${before} of root keys of the set before`] : []),
    ...(own > 0 ? [`${own} of its own root keys`] : []),
  ];
  return parts.length === 0 ? null : `NOT COMPLETE: lacks signatures: ${parts.join(', ')}`;
}

export function keysetFacts(file: string, { set, signed_by, missing }: KeysetState) {
  return { file, complete: missing.before === 0 && missing.own === 0, missing, signed_by, keyset: set };
}

export function keysetText(file: string, { set, signed_by, missing }: KeysetState): string {
  const lines = [
    `${file}: key set ${set.version} of ${set.issued_at}, ${set.root_threshold} root key(s) sign the next`,
    ...set.keys.map((key) => `  ${key.id}  ${key.roles.join('+')}${endText(set, key)}`),
    ...set.revoked.map(
      ({ id, since, reason }) => `  ${id}  revoked ${since}${reason === '' ? '' : `: ${reason}`}`,
    ),
    `signed by ${signed_by.join(', ') || 'nobody'}`,
  ];
  const lacks = missingText(missing);
  return [...lines, ...(lacks === null ? [] : [lacks])].join('\n');
}

function endText(set: Keyset, { id, not_after, note }: Keyset['keys'][number]): string {
  const until = not_after === undefined ? '' : `  until ${not_after}`;
  return `${until}${note === undefined ? '' : `  ${note}`}${isRevoked(set, id) ? '  REVOKED' : ''}`;
}

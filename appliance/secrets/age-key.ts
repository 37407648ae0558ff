import { readFileSync, statSync } from 'node:fs';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { AGE_KEY_MAX_BYTES } from './limits.ts';

const IDENTITY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/m;

/**
 * Makes the age key of this machine where there is none, and leaves it alone ever after: what was encrypted for it could be read by
 * nobody else.
 *
 * @param file in a folder that only root can write to; becomes 0400
 * @throws BulkheadError AGE_KEY_DAMAGED when what is there is no whole key; nothing was changed
 */
export async function ensureAgeKey(file: string): Promise<'made' | 'kept'> {
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) {
    readAgeIdentity(file);
    return 'kept';
  }
  // Loaded here alone: every boot comes by, and only the first makes a key.
  const { generateX25519Identity } = await import('age-encryption');
  const identity = await generateX25519Identity();
  writeFileAtomic(file, `# public key: ${await recipientOf(identity)}\n${identity}\n`, 0o400);
  readAgeIdentity(file);
  return 'made';
}

/** The secret half; never leaves this machine. @throws BulkheadError AGE_KEY_MISSING, AGE_KEY_DAMAGED */
export function readAgeIdentity(file: string): string {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) {
    throw new BulkheadError('AGE_KEY_MISSING', `there is no age key in ${file}`, {
      hint: 'the set-up of a boot makes it; elsewhere: sudo bulkhead secrets apply',
    });
  }
  const [identity] = size > AGE_KEY_MAX_BYTES ? [] : (IDENTITY.exec(readFileSync(file, 'latin1')) ?? []);
  if (identity === undefined) {
    throw new BulkheadError('AGE_KEY_DAMAGED', `${file} holds no age key`, {
      hint: 'put it back from where it was kept, or remove it: then a new one is made, and all secrets have to be encrypted for that',
    });
  }
  return identity;
}

/** What others encrypt for: `age1…`. */
export async function recipientOf(identity: string): Promise<string> {
  const { identityToRecipient } = await import('age-encryption');
  return identityToRecipient(identity);
}

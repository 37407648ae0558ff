import { readFileSync } from 'node:fs';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { SecretsSection } from '../../status-page/secrets-section.ts';
import { MANIFEST_MAX_BYTES } from './limits.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The record of the last `bulkhead secrets apply`, for the agent: readable by everybody, no values. */
const SecretsFacts = t.Intersect([t.Object({ at: t.String() }), SecretsSection]);
export type SecretsFacts = Static<typeof SecretsFacts>;

export const NO_SECRETS: SecretsSection = { problem: null, secrets: [] };

/** null where nothing was decrypted in this boot. @throws SyntaxError for a damaged file */
export function readSecretsFacts(file: string): SecretsFacts | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (text.length > MANIFEST_MAX_BYTES) return null;
  return Value.Parse(SecretsFacts, JSON.parse(text));
}

/** When a secret has to be given a new value: so many days after its file was last encrypted. */
export function rotateBy(encrypted: Date, days: number | null): string | null {
  return days === null ? null : new Date(encrypted.getTime() + days * DAY_MS).toISOString();
}

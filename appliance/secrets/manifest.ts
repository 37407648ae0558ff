import { readFileSync, statSync } from 'node:fs';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { AGE_KEY_FILE } from '../../base/paths.ts';
import { Pattern } from '../../base/schema.ts';
import { MANIFEST_MAX_BYTES, SECRETS_MAX } from './limits.ts';

/** Absolute, and without a way up. */
const Path = Pattern(/^\/(?!.*(?:^|\/)\.\.(?:\/|$)).+$/);

const WantedSecret = t.Object(
  {
    sops_file: Path,
    sops_key: t.String({ minLength: 1 }),
    owner: t.Optional(Pattern(/^[a-z_][a-z0-9_-]{0,31}$/)),
    /** Owner and group; never the others. */
    mode: t.Optional(Pattern(/^0[46][04]0$/)),
    restart_units: t.Optional(t.Array(Pattern(/^[A-Za-z0-9:_.@-]+\.(?:service|target|timer|path)$/))),
    /** null: never. */
    rotate_after_days: t.Optional(t.Union([t.Integer({ minimum: 1, maximum: 3650 }), t.Null()])),
  },
  { additionalProperties: false },
);

/** What `secrets.json` says: which secrets there are, and who needs them. Nothing secret stands in it. */
const Manifest = t.Object(
  {
    age_key_file: t.Optional(Path),
    secrets: t.Record(Pattern(/^[a-z0-9][a-z0-9._-]{0,63}$/), WantedSecret, {
      maxProperties: SECRETS_MAX,
      // Else a name of another form would pass as it came, and become a path.
      additionalProperties: false,
    }),
  },
  { additionalProperties: false },
);

/** One secret as it is wanted, everything said. */
export interface Secret {
  name: string;
  sopsFile: string;
  sopsKey: string;
  owner: string;
  mode: number;
  restartUnits: readonly string[];
  rotateAfterDays: number | null;
}

export interface SecretsManifest {
  ageKeyFile: string;
  secrets: readonly Secret[];
}

/**
 * The first of the files that is there; without any, nothing is wanted.
 *
 * @throws BulkheadError SECRETS_MANIFEST_INVALID
 */
export function readManifest(files: readonly string[]): SecretsManifest {
  for (const file of files) {
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) continue;
    if (size > MANIFEST_MAX_BYTES) throw invalid(file, `it has ${size} bytes`);
    return parseManifest(readFileSync(file, 'utf8'), file);
  }
  return { ageKeyFile: AGE_KEY_FILE, secrets: [] };
}

/** Every file that applying reads, as far as the list can be read: somebody may just be writing it. */
export function filesOf(manifests: readonly string[]): string[] {
  try {
    return [...manifests, ...readManifest(manifests).secrets.map(({ sopsFile }) => sopsFile)];
  } catch {
    return [...manifests];
  }
}

export function parseManifest(text: string, file: string): SecretsManifest {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw invalid(file, describeError(error));
  }
  if (!Value.Check(Manifest, read)) {
    const [first] = Value.Errors(Manifest, read);
    throw invalid(file, `${first?.path ?? ''}: ${first?.message ?? 'not of the form that is wanted'}`);
  }
  const manifest: Static<typeof Manifest> = read;
  return {
    ageKeyFile: manifest.age_key_file ?? AGE_KEY_FILE,
    secrets: Object.entries(manifest.secrets)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, secret]) => ({
        name,
        sopsFile: secret.sops_file,
        sopsKey: secret.sops_key,
        owner: secret.owner ?? 'root',
        mode: Number.parseInt(secret.mode ?? '0400', 8),
        restartUnits: secret.restart_units ?? [],
        rotateAfterDays: secret.rotate_after_days ?? null,
      })),
  };
}

function invalid(file: string, reason: string): BulkheadError {
  return new BulkheadError('SECRETS_MANIFEST_INVALID', `${file} cannot be used: ${reason}`, {
    hint: 'its form is in the documentation (operate, secrets)',
  });
}

import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import { ensureAgeKey, readAgeIdentity } from './age-key.ts';
import { rotateBy, type SecretsFacts } from './facts.ts';
import { RESTART_TIMEOUT_MS, SOPS_FILE_MAX_BYTES } from './limits.ts';
import type { Secret, SecretsManifest } from './manifest.ts';
import { type DecryptedSops, decryptSops, secretAt } from './sops-decrypt.ts';

/** What applying works on; a test hands in folders of its own. */
export interface ApplyTools {
  /** In memory: /run/bulkhead/secrets. */
  folder: string;
  factsFile: string;
  run: Run;
  now: () => Date;
  /** Numbers of a user by name; undefined: there is none. */
  userOf: (name: string) => { uid: number; gid: number } | undefined;
}

export interface ApplyReport extends SecretsFacts {
  /** Names of files that are other than before. */
  changed: string[];
  removed: string[];
  restarted: string[];
}

/**
 * Decrypts every secret into a file of its own, in memory, and restarts who depends on one that changed. Each stands for itself: one that
 * cannot be had keeps the file it has, is named with its reason, and keeps nothing else from being done.
 *
 * @throws BulkheadError AGE_KEY_DAMAGED
 */
export async function applySecrets(manifest: SecretsManifest, tools: ApplyTools): Promise<ApplyReport> {
  const { folder, now } = tools;
  if (manifest.secrets.length > 0) await ensureAgeKey(manifest.ageKeyFile);
  mkdirSync(folder, { recursive: true });
  // Passed through by the owners of what lies in it, listed by root alone.
  chmodSync(folder, 0o711);
  const files = new Map<string, Promise<DecryptedSops>>();
  const decrypted = (file: string) => {
    const known = files.get(file) ?? readSops(file, readAgeIdentity(manifest.ageKeyFile));
    files.set(file, known);
    return known;
  };
  const changed: Secret[] = [];
  const secrets: SecretsFacts['secrets'] = [];
  for (const secret of manifest.secrets) {
    const path = join(folder, secret.name);
    const facts: (typeof secrets)[number] = { name: secret.name, problem: null, rotateBy: null };
    try {
      const { values, modified } = await decrypted(secret.sopsFile);
      const text = secretAt(values, secret.sopsKey, secret.sopsFile);
      if (writeSecret(path, text, secret, tools)) changed.push(secret);
      facts.rotateBy = rotateBy(modified, secret.rotateAfterDays);
    } catch (error) {
      facts.problem = describeError(error);
    }
    secrets.push(facts);
  }
  const wanted = new Set(manifest.secrets.map(({ name }) => name));
  const removed = readdirSync(folder).filter((name) => !wanted.has(name));
  for (const name of removed) rmSync(join(folder, name), { recursive: true });
  const units = [...new Set(changed.flatMap(({ restartUnits }) => restartUnits))].sort();
  const problem = await restart(units, tools.run);
  const facts: SecretsFacts = { at: now().toISOString(), problem, secrets };
  writeFileAtomic(tools.factsFile, `${JSON.stringify(facts, null, 1)}\n`, 0o644);
  // Nothing secret stands in it, and the agent shows it; the unit's umask keeps everything else to its owner.
  chmodSync(tools.factsFile, 0o644);
  return {
    ...facts,
    changed: changed.map(({ name }) => name),
    removed,
    restarted: problem === null ? units : [],
  };
}

async function readSops(file: string, identity: string): Promise<DecryptedSops> {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined || size > SOPS_FILE_MAX_BYTES) {
    throw new BulkheadError(
      'SECRETS_FILE_INVALID',
      size === undefined ? `${file} is missing` : `${file} has ${size} bytes, which no file of secrets has`,
    );
  }
  return decryptSops(readFileSync(file, 'utf8'), identity, file);
}

/** Whether the file is another one now: its text, its owner or its mode. */
function writeSecret(path: string, text: string, { owner, mode }: Secret, tools: ApplyTools): boolean {
  const user = tools.userOf(owner);
  if (user === undefined)
    throw new BulkheadError('SECRETS_OWNER_UNKNOWN', `there is no user '${owner}' on this machine`);
  const before = statSync(path, { throwIfNoEntry: false });
  if (
    before?.isFile() &&
    (before.mode & 0o7777) === mode &&
    before.uid === user.uid &&
    before.gid === user.gid &&
    readFileSync(path, 'utf8') === text
  )
    return false;
  // Readable by its owner only once it is its owner's: between the two nobody else can open it.
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
  chownSync(temporary, user.uid, user.gid);
  chmodSync(temporary, mode);
  renameSync(temporary, path);
  return true;
}

/**
 * Only what runs: at boot nothing of it does yet. Not waited for: a unit that is ordered after that of the secrets is restarted once this
 * has ended, and would otherwise wait for whom it is waited for by.
 *
 * @returns why it could not be asked for
 */
async function restart(units: readonly string[], run: Run): Promise<string | null> {
  if (units.length === 0) return null;
  try {
    await runOrThrow(run, 'systemctl', ['--no-block', 'try-restart', ...units], {
      timeout_ms: RESTART_TIMEOUT_MS,
    });
    return null;
  } catch (error) {
    return `units that need a changed secret were not restarted: ${describeError(error)}`;
  }
}

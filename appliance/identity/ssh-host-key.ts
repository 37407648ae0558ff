import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { fsyncFolder, writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import { decideIdentity } from './decide.ts';
import { SSH_KEYGEN_TIMEOUT_MS } from './limits.ts';
import { readIfThere, stateOf } from './make.ts';

/** The host key's name in its folder; one type is enough, every client since 2014 knows it. */
export const SSH_HOST_KEY_NAME = 'ssh_host_ed25519_key';

/**
 * Makes the SSH host key once and leaves it alone ever after, by the same rule as the device key (decide.ts); here the
 * `.pub` file is the record.
 *
 * @param folder of the host keys; made with mode 0700 when it is missing
 * @returns the public key line without comment
 * @throws BulkheadError SSH_HOST_KEY_DAMAGED, COMMAND_FAILED and what `run` throws
 */
export async function ensureSshHostKey(folder: string, run: Run): Promise<string> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keyFile = join(folder, SSH_HOST_KEY_NAME);
  const publicFile = `${keyFile}.pub`;
  const keyText = readIfThere(keyFile);
  const publicText = readIfThere(publicFile);
  // sshd and ssh-keygen refuse a key that others could read; after a restore the mode may be wrong.
  if (keyText !== undefined) chmodSync(keyFile, 0o600);
  const fromKey = keyText ? await publicKeyOf(keyFile, run) : undefined;
  const recorded = publicText === undefined ? undefined : keyPart(publicText);
  const decision = decideIdentity({
    key: stateOf(keyText, fromKey),
    record: stateOf(publicText, recorded),
    matches: fromKey !== undefined && fromKey === recorded,
  });
  if (decision.act === 'refuse') {
    throw new BulkheadError(
      'SSH_HOST_KEY_DAMAGED',
      `the SSH host key ${keyFile} was not touched: ${decision.reason}`,
      {
        hint: `remove ${folder} and restart; clients will then warn about a changed host key`,
      },
    );
  }
  if (decision.act === 'keep' && fromKey !== undefined) return fromKey;
  if (decision.act === 'complete' && fromKey !== undefined) {
    writeFileAtomic(publicFile, `${fromKey} bulkhead\n`, 0o644);
    return fromKey;
  }
  return makeHostKey(folder, keyFile, publicFile, run);
}

/** Made in a folder aside and moved in synced, key first, so that a power cut leaves a whole key or none. */
async function makeHostKey(folder: string, keyFile: string, publicFile: string, run: Run): Promise<string> {
  const aside = join(folder, '.new');
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { mode: 0o700 });
  const made = join(aside, 'key');
  await runOrThrow(run, 'ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bulkhead', '-f', made], {
    timeout_ms: SSH_KEYGEN_TIMEOUT_MS,
  });
  for (const [from, to] of [
    [made, keyFile],
    [`${made}.pub`, publicFile],
  ] as const) {
    const file = openSync(from, 'r');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(from, to);
    fsyncFolder(folder);
  }
  rmSync(aside, { recursive: true, force: true });
  const line = keyPart(readFileSync(publicFile, 'latin1'));
  if (line === undefined || line !== (await publicKeyOf(keyFile, run))) {
    throw new BulkheadError(
      'SSH_HOST_KEY_DAMAGED',
      `the SSH host key just made in ${folder} does not read back`,
    );
  }
  return line;
}

/** The public key that ssh-keygen computes from a private one; undefined when it is not one. */
async function publicKeyOf(keyFile: string, run: Run): Promise<string | undefined> {
  const result = await run('ssh-keygen', ['-y', '-P', '', '-f', keyFile], {
    timeout_ms: SSH_KEYGEN_TIMEOUT_MS,
  });
  return result.code === 0 ? keyPart(result.stdout) : undefined;
}

/** `ssh-ed25519 AAAA…`, without the comment. */
function keyPart(line: string): string | undefined {
  return /^(ssh-ed25519 [A-Za-z0-9+/]+=*)(\s|$)/.exec(line)?.[1];
}

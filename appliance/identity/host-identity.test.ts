import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../base/run.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { isMachineId, verifyMachineId } from './machine-id.ts';
import { ensureSshHostKey, SSH_HOST_KEY_NAME } from './ssh-host-key.ts';

const ID = '0123456789abcdef0123456789abcdef';
const folder = () => makeFolder('host');

it('accepts a machine id only when the running system has the stored one', () => {
  const at = folder();
  const [stored, running] = [join(at, 'stored'), join(at, 'running')];
  const code = () => {
    try {
      return verifyMachineId(stored, running);
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  expect(code()).toBe('MACHINE_ID_INVALID');
  writeFileSync(stored, `${ID}\n`);
  expect(code()).toBe('MACHINE_ID_MISMATCH');
  writeFileSync(running, `${ID.replace('0', 'f')}\n`);
  expect(code()).toBe('MACHINE_ID_MISMATCH');
  writeFileSync(running, `${ID}\n`);
  expect(code()).toBe(ID);
  for (const wrong of ['', ID, `${ID.toUpperCase()}\n`, `${'0'.repeat(32)}\n`, `${ID}0\n`])
    expect(isMachineId(wrong)).toBe(false);
});

it('makes the SSH host key once, readable by root only, and keeps it', async () => {
  const at = join(folder(), 'ssh');
  const line = await ensureSshHostKey(at, run);
  const key = join(at, SSH_HOST_KEY_NAME);
  expect(statSync(at).mode & 0o777).toBe(0o700);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect(execFileSync('ssh-keygen', ['-l', '-f', key], { encoding: 'utf8' })).toContain('(ED25519)');
  const text = readFileSync(key, 'utf8');
  // A restore may bring it back with another mode, which sshd would refuse.
  chmodSync(key, 0o644);
  expect(await ensureSshHostKey(at, run)).toBe(line);
  expect(readFileSync(key, 'utf8')).toBe(text);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect(existsSync(join(at, '.new'))).toBe(false);
});

it('starts over after a power cut while the host key was made', async () => {
  const at = folder();
  mkdirSync(join(at, '.new'));
  writeFileSync(join(at, '.new', 'key'), 'half');
  writeFileSync(join(at, SSH_HOST_KEY_NAME), '');
  expect(await ensureSshHostKey(at, run)).toMatch(/^ssh-ed25519 /);
});

it('writes a lost .pub file again, and does not replace a host key that clients know', async () => {
  const at = folder();
  const line = await ensureSshHostKey(at, run);
  const key = join(at, SSH_HOST_KEY_NAME);
  rmSync(`${key}.pub`);
  expect(await ensureSshHostKey(at, run)).toBe(line);
  expect(readFileSync(`${key}.pub`, 'utf8')).toBe(`${line} bulkhead\n`);
  for (const damage of ['', 'garbage']) {
    writeFileSync(key, damage);
    await expect(ensureSshHostKey(at, run)).rejects.toMatchObject({ code: 'SSH_HOST_KEY_DAMAGED' });
    expect(readFileSync(key, 'utf8')).toBe(damage);
  }
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run, runOrThrow } from '../../../base/run.ts';
import { installation } from '../fixtures/installed-disk.ts';
import type { Box } from './box.ts';

/** A refusal costs a key exchange under emulation. */
const REFUSAL_TIMEOUT_MS = 90_000;

export function describeAccess(box: () => Box): void {
  describe('SSH', () => {
    test('takes no password and offers none', async () => {
      const { code, stderr } = await login(box(), 'root', ['-o', 'PubkeyAuthentication=no']);
      expect(code).toBe(255);
      expect(stderr).toMatch(/Permission denied \(publickey\)/);
    });

    test('refuses a key that is not configured, and the configured key for anyone but root', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'bulkhead-key-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const stranger = join(folder, 'key');
      await runOrThrow(run, 'ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', stranger]);
      expect(await login(box(), 'root', ['-i', stranger])).toMatchObject({ code: 255 });
      expect(await login(box(), 'msp', ['-i', installation().sshKey])).toMatchObject({ code: 255 });
      // The control: the same call with the right key and name gets in.
      expect(await login(box(), 'root', ['-i', installation().sshKey])).toMatchObject({
        code: 0,
        stdout: 'in\n',
      });
    });

    test('its host key lies on the data partition, for root only, and is the one that is presented', async () => {
      const file = '/var/lib/msp/identity/ssh/ssh_host_ed25519_key';
      expect(await box().sh(`findmnt -nro TARGET -T ${file}; stat -c '%a %U' ${file}`)).toBe(
        '/var/lib/msp\n600 root',
      );
      const [, stored] = (await box().sh(`cat ${file}.pub`)).split(' ');
      const port = String(box().machine.hostPort(22));
      const scanned = await run('ssh-keyscan', ['-T', '60', '-p', port, '127.0.0.1'], {
        timeout_ms: REFUSAL_TIMEOUT_MS,
      });
      const keys = scanned.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      expect(keys.map((line) => line.split(' ').slice(1))).toEqual([['ssh-ed25519', stored]]);
    });
  });
}

/** One login of its own, past the shared connection. */
function login(box: Box, user: string, options: readonly string[]) {
  const settings = [
    ...['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'],
    ...['IdentitiesOnly=yes', 'IdentityAgent=none', 'ControlPath=none', 'ConnectTimeout=60'],
  ];
  return run(
    'ssh',
    [
      ...['-F', 'none', ...settings.flatMap((setting) => ['-o', setting]), ...options],
      ...['-p', String(box.machine.hostPort(22)), `${user}@127.0.0.1`, 'echo in'],
    ],
    { timeout_ms: REFUSAL_TIMEOUT_MS },
  );
}

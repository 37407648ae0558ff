import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run, runOrThrow } from '../../../base/run.ts';
import { installation } from '../fixtures/installed-disk.ts';
import type { Box } from './box.ts';

/** A refusal costs a key exchange under emulation. */
const REFUSAL_TIMEOUT_MS = 90_000;

export function describeAccess(box: () => Box): void {
  // Refusals come last: sshd ignores an address for a while after several of them (PerSourcePenalties).
  describe('SSH', () => {
    test('presents the host key that lies on the data partition, readable for root only', async () => {
      const file = '/var/lib/msp/identity/ssh/ssh_host_ed25519_key';
      expect(await box().sh(`findmnt -nro TARGET -T ${file}; stat -c '%a %U' ${file}`)).toBe(
        '/var/lib/msp\n600 root',
      );
      const stored = await box().sh(`cut -d' ' -f1,2 ${file}.pub`);
      const loginExpecting = (key: string) => {
        const known = join(folder(), 'known_hosts');
        writeFileSync(known, `[127.0.0.1]:${box().machine.hostPort(22)} ${key}\n`);
        const strict = ['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${known}`];
        return login(box(), 'root', [...strict, '-i', installation().sshKey]);
      };
      expect(await loginExpecting(stored)).toMatchObject({ code: 0, stdout: 'in\n' });
      const other = readFileSync(`${installation().sshKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
      expect((await loginExpecting(other)).stderr).toContain('Host key verification failed');
    });

    test('takes no password and offers none', async () => {
      const { code, stderr } = await login(box(), 'root', ['-o', 'PubkeyAuthentication=no']);
      expect(code).toBe(255);
      expect(stderr).toMatch(/Permission denied \(publickey\)/);
    });

    test('refuses a key that is not configured, and the configured key for anyone but root', async () => {
      const stranger = join(folder(), 'key');
      await runOrThrow(run, 'ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', stranger]);
      const refused = { code: 255, stderr: expect.stringContaining('Permission denied (publickey)') };
      expect(await login(box(), 'root', ['-i', stranger])).toMatchObject(refused);
      expect(await login(box(), 'msp', ['-i', installation().sshKey])).toMatchObject(refused);
    });
  });
}

/** A folder for the test that calls this. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'bulkhead-key-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
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
      // The first value of a setting counts.
      ...['-F', 'none', ...options, ...settings.flatMap((setting) => ['-o', setting])],
      ...['-p', String(box.machine.hostPort(22)), `${user}@127.0.0.1`, 'echo in'],
    ],
    { timeout_ms: REFUSAL_TIMEOUT_MS },
  );
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { sshKeyFault } from './ssh-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
const made = (name: string, ...args: string[]) => {
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', `tech@${name}`, '-f', join(folder, name), ...args]);
  return readFileSync(join(folder, `${name}.pub`), 'utf8').trimEnd();
};
const ed25519 = made('ed25519', '-t', 'ed25519');

it('accepts what ssh-keygen makes today', () => {
  expect(sshKeyFault(ed25519)).toBeNull();
  expect(sshKeyFault(ed25519.split(' ').slice(0, 2).join(' '))).toBeNull();
  for (const bits of ['256', '384', '521'])
    expect(sshKeyFault(made(`ec${bits}`, '-t', 'ecdsa', '-b', bits))).toBeNull();
  expect(sshKeyFault(made('rsa3072', '-t', 'rsa', '-b', '3072'))).toBeNull();
});

it('refuses a short RSA key and says how short', () => {
  expect(sshKeyFault(made('rsa2048', '-t', 'rsa', '-b', '2048'))).toBe(
    'is an RSA key of 2048 bits; at least 3072 are needed',
  );
});

it.each([
  ['options', `command="sh" ${ed25519}`, /options/],
  ['an option that is a host list', `from="10.0.0.1",no-pty ${ed25519}`, /options/],
  ['a second line', `${ed25519}\n${ed25519}`, /line break/],
  ['a carriage return', `${ed25519}\r`, /line break/],
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----', /private key/],
  ['another type than inside', ed25519.replace('ssh-ed25519', 'ssh-rsa'), /names one type/],
  ['DSA', 'ssh-dss AAAAB3NzaC1kc3MAAACB', /not begin with a type of key/],
  ['a certificate', 'ssh-ed25519-cert-v01@openssh.com AAAA', /not begin with a type of key/],
  ['nothing', '', /not begin with a type of key/],
  ['a very long line', `ssh-ed25519 ${'A'.repeat(5000)}`, /longer/],
])('refuses %s', (_, line, reason) => {
  expect(sshKeyFault(line)).toMatch(reason);
});

it('refuses a key that was cut off anywhere or had a character of its type changed', () => {
  const [type = '', base64 = ''] = ed25519.split(' ');
  fc.assert(
    fc.property(fc.nat({ max: base64.length - 1 }), (length) => {
      expect(sshKeyFault(`${type} ${base64.slice(0, length)}`)).not.toBeNull();
    }),
  );
});

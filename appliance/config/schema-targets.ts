import { type Static, Type as t } from '@sinclair/typebox';
import { OneOf } from '../../base/schema.ts';
import { CAPABILITY_TIERS } from '../../protocol/healing/tier.ts';
import { TARGET_INTERVAL_MAX_S, TARGET_INTERVAL_MIN_S } from './limits.ts';
import { nullableText, text } from './schema-parts.ts';

/** Machines that the appliance looks at itself: a list entry each, every field written out once read (see target-entries.ts). */

export const LINUX_CHECKS = ['patches', 'ssh', 'firewall', 'disk', 'services', 'time', 'users'] as const;
export const WINDOWS_CHECKS = ['bitlocker', 'defender', 'firewall', 'patches', 'screenlock', 'rmm'] as const;
export type LinuxCheck = (typeof LINUX_CHECKS)[number];
export type WindowsCheck = (typeof WINDOWS_CHECKS)[number];

const CHECKS = [...new Set([...LINUX_CHECKS, ...WINDOWS_CHECKS])] as const;

export const Target = t.Object(
  {
    name: text('bulkhead-target-name', {
      description: 'what it is called in findings and evidence, as t-NAME',
      expects: "1 to 32 lower-case letters, digits and '-'",
    }),
    address: text('bulkhead-host', {
      description: 'where it answers; with an IP address the firewall opens the way to that address alone',
      expects: 'an IP address or host name',
    }),
    way: OneOf(['ssh', 'winrm'] as const, {
      description: 'how it is reached',
      expects: 'ssh or winrm',
    }),
    platform: OneOf(['linux', 'windows'] as const, {
      description: 'what runs there; when left out: linux by ssh, windows by winrm',
      expects: 'linux or windows',
    }),
    port: t.Integer({
      minimum: 1,
      maximum: 65_535,
      description: 'when left out: 22 by ssh; by winrm 5986 with certificate_sha256, 5985 without',
      expects: 'a whole number from 1 to 65535',
    }),
    user: text('bulkhead-target-user', {
      description: 'who logs in; of a Windows domain: DOMAIN\\user or user@domain',
      expects: 'the name of a user',
    }),
    password: nullableText('bulkhead-target-password', {
      description: 'password of the user',
      expects: 'text in quotes, or null',
      secret: true,
    }),
    password_file: nullableText('bulkhead-secret-file', {
      description: 'file that holds the password, readable by its owner alone, instead of password',
      expects: 'an absolute path or null',
    }),
    key: nullableText('bulkhead-private-key', {
      description: 'private key for ssh, in the form of OpenSSH or PEM, without a passphrase',
      expects: 'a private key, or null',
      secret: true,
    }),
    key_file: nullableText('bulkhead-secret-file', {
      description: 'file that holds the private key, readable by its owner alone, instead of key',
      expects: 'an absolute path or null',
    }),
    host_key: nullableText('bulkhead-host-key', {
      description: 'the only host key that is believed (ssh): its line as in a .pub file, or its fingerprint',
      expects: 'a public key, or SHA256: and 43 characters',
    }),
    certificate_sha256: nullableText('bulkhead-sha256', {
      description:
        'SHA-256 of the only certificate that is believed (winrm by TLS); null: HTTP, with messages encrypted by NTLM',
      expects: '64 hex digits or null',
    }),
    tier: OneOf(CAPABILITY_TIERS, {
      description: 'what may be done there: nothing, harmless repairs, everything; when left out: nothing',
      expects: 'monitor_only, self_heal or full_remediation',
    }),
    checks: t.Array(
      OneOf(CHECKS, { description: 'a check', expects: 'the name of a check of that platform' }),
      {
        minItems: 1,
        maxItems: CHECKS.length,
        uniqueItems: true,
        description: `what is looked at; linux: ${LINUX_CHECKS.join(', ')}; windows: ${WINDOWS_CHECKS.join(', ')}; when left out: all of its platform`,
        expects: 'a list of checks',
      },
    ),
    interval_s: t.Integer({
      minimum: TARGET_INTERVAL_MIN_S,
      maximum: TARGET_INTERVAL_MAX_S,
      unit: 'seconds',
      description: 'how often it is looked at; when left out: 300',
      expects: `a whole number of seconds from ${TARGET_INTERVAL_MIN_S} to ${TARGET_INTERVAL_MAX_S}`,
    }),
  },
  {
    additionalProperties: false,
    expects:
      'an entry with name, address, way, user, what to log in with, and host_key or certificate_sha256',
  },
);

export type TargetConfig = Static<typeof Target>;

import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../../base/run.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { type Authority, openAuthority, renewalDue, type ServerIdentity } from './authority.ts';
import { keepServerCertificate, machineNames, type ServerCertificate } from './server-certificate.ts';

const SENSOR = 's-0123456789abcdef';
const DAY_MS = 24 * 60 * 60 * 1000;
let folder: string;
let now: Date;
let authority: Authority;
beforeEach(async () => {
  folder = makeFolder('pki');
  now = new Date();
  authority = await openAuthority(folder, () => now);
});
const file = (name: string, content?: string | Uint8Array) => {
  const path = join(folder, name);
  if (content !== undefined) writeFileSync(path, content);
  return path;
};
const days = (certificate: X509Certificate) =>
  Math.round((Date.parse(certificate.validTo) - now.getTime()) / DAY_MS);

describe('the authority of the sensors', () => {
  test('is made once, for ten years, with a key that only its user can read', async () => {
    const again = await openAuthority(folder, () => now);
    expect(again.fingerprint).toBe(authority.fingerprint);
    expect(statSync(file('sensor-ca.key')).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(authority.certificate_pem);
    expect(certificate.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(authority.fingerprint);
    expect([certificate.ca, days(certificate), certificate.publicKey.asymmetricKeyDetails]).toEqual([
      true,
      3650,
      { namedCurve: 'prime256v1' },
    ]);
  });

  test('makes the certificate again where the power went between key and certificate', async () => {
    rmSync(file('sensor-ca.pem'));
    const again = await openAuthority(folder, () => now);
    const { certificate_pem } = await authority.issueClient(SENSOR);
    expect(
      new X509Certificate(certificate_pem).verify(new X509Certificate(again.certificate_pem).publicKey),
    ).toBe(true);
  });

  test.each([
    ['a key that is gone', () => rmSync(file('sensor-ca.key'))],
    ['a key that is damaged', () => writeFileSync(file('sensor-ca.key'), 'x')],
    ['a certificate that is damaged', () => writeFileSync(file('sensor-ca.pem'), 'x')],
  ])('never makes a new one by itself: %s stops it', async (_, damage) => {
    chmodSync(file('sensor-ca.key'), 0o600);
    damage();
    await expect(openAuthority(folder, () => now)).rejects.toMatchObject({ code: 'SENSOR_CA_DAMAGED' });
  });

  test('makes certificates that OpenSSL takes for what they are for, and for nothing else', async () => {
    const server = await authority.issueServer({
      dns: ['box', 'localhost'],
      ip: ['192.0.2.7', '2001:db8::7'],
    });
    const client = await authority.issueClient(SENSOR);
    const verify = async (pem: string, purpose: string) =>
      (
        await run('openssl', [
          ...['verify', '-x509_strict', '-purpose', purpose],
          ...['-CAfile', file('sensor-ca.pem'), file('leaf.pem', pem)],
        ])
      ).code;
    expect(await verify(server.certificate_pem, 'sslserver')).toBe(0);
    expect(await verify(client.certificate_pem, 'sslclient')).toBe(0);
    expect(await verify(client.certificate_pem, 'sslserver')).not.toBe(0);
    expect(await verify(server.certificate_pem, 'sslclient')).not.toBe(0);
    const certificate = new X509Certificate(server.certificate_pem);
    expect([
      certificate.checkHost('box'),
      certificate.checkIP('2001:db8::7'),
      certificate.checkIP('192.0.2.8'),
    ]).toEqual(['box', '2001:db8::7', undefined]);
    const own = new X509Certificate(client.certificate_pem);
    expect([own.subject, days(own)]).toEqual([`CN=${SENSOR}`, 365]);
    expect(own.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(client.fingerprint);
  });

  test('renews what a sensor has in the last thirty days, and not before', async () => {
    const { expires_ms } = await authority.issueClient(SENSOR);
    expect([31, 30, 1, -1].map((left) => renewalDue(expires_ms, expires_ms - left * DAY_MS))).toEqual([
      ...[false, true, true, true],
    ]);
  });

  test('certifies nothing beyond its own end', async () => {
    now = new Date(now.getTime() + 3600 * DAY_MS);
    const { expires_ms } = await authority.issueClient(SENSOR);
    expect(expires_ms).toBe(Date.parse(new X509Certificate(authority.certificate_pem).validTo));
  });
});

describe('a certificate request', () => {
  async function request(...key: string[]): Promise<Uint8Array> {
    await runOrThrow(run, 'openssl', [
      ...['req', '-new', '-newkey', ...key, '-nodes', '-subj', '/CN=s-ffffffffffffffff'],
      ...['-addext', 'basicConstraints=critical,CA:TRUE'],
      ...['-keyout', file('own.key'), '-out', file('own.csr')],
    ]);
    return readFileSync(file('own.csr'));
  }

  test.each([[['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']], [['rsa:2048']]])(
    'of OpenSSL with a key of %s is certified under the name that the appliance gives',
    async (key) => {
      const { certificate_pem, key_pem } = await authority.issueClient(SENSOR, await request(...key));
      const certificate = new X509Certificate(certificate_pem);
      expect([certificate.subject, certificate.ca, key_pem]).toEqual([`CN=${SENSOR}`, false, null]);
      const own = await runOrThrow(run, 'openssl', ['pkey', '-in', file('own.key'), '-pubout']);
      expect(certificate.publicKey.export({ type: 'spki', format: 'pem' })).toBe(own);
    },
  );

  test('of a weak key, of another signature, too long or of nothing is refused', async () => {
    const refused = (bytes: Uint8Array) =>
      expect(authority.issueClient(SENSOR, bytes)).rejects.toMatchObject({ code: 'SENSOR_CSR_INVALID' });
    await refused(await request('rsa:1024'));
    await refused(await request('ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'));
    const pem = await request('ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
    const der = Buffer.from(
      Buffer.from(pem)
        .toString()
        .replace(/-----[^-]+-----|\s/g, ''),
      'base64',
    );
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    await refused(der);
    await refused(new Uint8Array(20_000));
    await refused(new Uint8Array());
  });
});

describe('the certificate of the service', () => {
  const kept: ServerCertificate[] = [];
  afterEach(() => {
    for (const one of kept.splice(0)) one.stop();
  });

  test('follows the addresses of the machine, and is made again when half its time is over', async () => {
    const changes: ServerIdentity[] = [];
    let ip = ['192.0.2.1'];
    const certificate = await keepServerCertificate({
      ...{ authority, now: () => now, names: () => ({ dns: ['box'], ip }) },
      onChange: (identity) => changes.push(identity),
      onFault: (error) => {
        throw error;
      },
    });
    kept.push(certificate);
    await certificate.look();
    expect(changes).toHaveLength(0);
    ip = ['192.0.2.2', '192.0.2.1', '192.0.2.2'];
    await certificate.look();
    expect(changes).toHaveLength(1);
    expect(new X509Certificate(certificate.current.certificate_pem).checkIP('192.0.2.2')).toBe('192.0.2.2');
    ip = ['192.0.2.1', '192.0.2.2'];
    await certificate.look();
    expect(changes).toHaveLength(1);
    now = new Date(now.getTime() + 46 * DAY_MS);
    await certificate.look();
    expect(changes).toHaveLength(2);
  });

  test('has what this machine is reached by', () => {
    const { dns, ip } = machineNames();
    expect(dns).toContain('localhost');
    expect(ip).toEqual(expect.arrayContaining(['127.0.0.1', '::1']));
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { makeCertificate } from '../../test/unit/make-certificate.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { authoritiesFault } from './authorities.ts';

const authority = await makeCertificate('DNS:ca.example.org');

/** The certificate of a server that another has signed. */
async function serverCertificate(): Promise<string> {
  const folder = makeFolder('server');
  const caKey = join(folder, 'ca.key');
  await Bun.write(caKey, authority.key);
  const path = join(folder, 'server.pem');
  await runOrThrow(run, 'openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=c.example.org', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-CA', authority.path, '-CAkey', caKey, '-keyout', join(folder, 'server.key'), '-out', path],
  ]);
  return readFileSync(path, 'utf8');
}

test('one or more certificates of authorities are taken, with the words that openssl writes between them', () => {
  expect(authoritiesFault(authority.certificate)).toBeNull();
  expect(authoritiesFault(`subject=CN=ca\n${authority.certificate}\n${authority.certificate}`)).toBeNull();
});

test.each([
  ['no certificate at all', () => 'ca.example.org', /holds no certificate in PEM/],
  ['a key beside the certificate', () => authority.certificate + authority.key, /a key has no place/],
  [
    'one that was not copied whole',
    () => authority.certificate.replace(/\n[^\n]+\n(?=-----END)/, '\n'),
    /cannot be read/,
  ],
  ['that of the server itself', serverCertificate, /certificate of a server/],
])('%s is refused, with what is wrong', async (_, text, fault) => {
  expect(authoritiesFault(await text())).toMatch(fault);
});

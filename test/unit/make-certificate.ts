import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOrThrow } from '../../base/run.ts';
import { makeFolder } from './make-folder.ts';

/** A certificate of its own authority, in PEM, for TLS between a test and what it tests. Made by openssl. */
export interface TestCertificate {
  certificate: string;
  key: string;
  /** File with the certificate. */
  path: string;
}

/** @param subject_alt_name in the words of openssl: `DNS:localhost,IP:127.0.0.1` */
export async function makeCertificate(subject_alt_name: string): Promise<TestCertificate> {
  const folder = makeFolder('certificate');
  const [path, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  await runOrThrow(run, 'openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=bulkhead-test', '-addext', `subjectAltName=${subject_alt_name}`],
    ...['-keyout', keyFile, '-out', path],
  ]);
  return { certificate: readFileSync(path, 'utf8'), key: readFileSync(keyFile, 'utf8'), path };
}

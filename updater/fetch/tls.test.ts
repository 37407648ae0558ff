import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { httpSource } from './http-source.ts';
import { fileServer } from './lab/file-server.ts';
import { codeOf, collect, SteppingClock, sameBytes, sampleFile } from './lab/lab.ts';
import type { FetchOptions, Retry } from './options.ts';

const file = sampleFile(300_000);
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Certificate {
  key: string;
  cert: string;
}

/** A certificate that signs itself, for a host name. */
async function makeCertificate(name: string): Promise<Certificate> {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  await runOrThrow(run, 'openssl', ['req', '-x509', ...keyAndName(name), '-keyout', key, '-out', cert]);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

/** One that was good for a day in 2020; only `openssl ca` takes dates in the past. */
async function makeExpired(name: string): Promise<Certificate> {
  const [key, ask, cert] = [join(folder, 'old.key'), join(folder, 'old.csr'), join(folder, 'old.pem')];
  await runOrThrow(run, 'openssl', ['req', '-new', ...keyAndName(name), '-keyout', key, '-out', ask]);
  writeFileSync(join(folder, 'index.txt'), '');
  const authority = [
    '[ca]\ndefault_ca=old\n[old]\ndefault_md=sha256\npolicy=any\ncopy_extensions=copy',
    `database=${folder}/index.txt\nnew_certs_dir=${folder}\nrand_serial=yes\n[any]\ncommonName=supplied\n`,
  ];
  writeFileSync(join(folder, 'ca.conf'), authority.join('\n'));
  const dates = ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'];
  const files = ['-config', join(folder, 'ca.conf'), '-keyfile', key, '-in', ask, '-out', cert];
  await runOrThrow(run, 'openssl', ['ca', '-batch', '-notext', '-selfsign', ...dates, ...files]);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

function keyAndName(name: string): string[] {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  return [...key, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
}

let own: Certificate;
let foreign: Certificate;
let expired: Certificate;
beforeAll(async () => {
  own = await makeCertificate('localhost');
  foreign = await makeCertificate('elsewhere.invalid');
  expired = await makeExpired('localhost');
});

function serve(...args: Parameters<typeof fileServer>) {
  const server = fileServer(...args);
  cleanups.push(server.stop);
  return server;
}

function open(url: string, options: FetchOptions = {}) {
  const source = httpSource([url], { clock: new SteppingClock(), attempts_max: 2, ...options });
  cleanups.push(source.close);
  return source;
}

/** Why a source gives up. */
async function reasonOf(url: string, options: FetchOptions = {}): Promise<string> {
  const reasons: string[] = [];
  const onRetry = ({ reason }: Retry) => reasons.push(reason);
  expect(await codeOf(collect(open(url, { ...options, onRetry }), 0, 10))).toBe('FETCH_GAVE_UP');
  return reasons[0] ?? '';
}

test('a server whose certificate was given is read', async () => {
  const source = open(serve(file, { tls: own }).url, { ca_pem: own.cert });
  expect(await source.size_bytes()).toBe(file.length);
  expect(sameBytes(await collect(source, 0, file.length), file)).toBe(true);
});

test('a certificate that nobody vouches for is refused, whatever the environment says', async () => {
  const { url } = serve(file, { tls: own });
  expect(await reasonOf(url)).toMatch(
    /^FETCH_TLS: the certificate of https:\/\/localhost:\d+\/files\/slot\.bundle/,
  );
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  expect(await reasonOf(url)).toMatch(/^FETCH_TLS: /);
  expect(await reasonOf(url, { ca_pem: foreign.cert })).toMatch(/^FETCH_TLS: /);
});

test('trust given to one source is not lent to another through a connection that is still open', async () => {
  const { url } = serve(file, { tls: own });
  const trusting = open(url, { ca_pem: own.cert });
  await collect(trusting, 0, 10);
  expect(await reasonOf(url)).toMatch(/^FETCH_TLS: /);
  expect((await collect(trusting, 0, 10)).length).toBe(10);
});

test('a certificate for another name is refused', async () => {
  const { url } = serve(file, { tls: foreign });
  expect(await reasonOf(url, { ca_pem: foreign.cert })).toMatch(/^FETCH_TLS: /);
});

test('a certificate that has expired is refused', async () => {
  const { url } = serve(file, { tls: expired });
  expect(await reasonOf(url, { ca_pem: expired.cert })).toMatch(/^FETCH_TLS: .*CERT_HAS_EXPIRED$/);
});

test('a server that does not speak TLS is refused', async () => {
  const { url } = serve(file);
  expect(await reasonOf(url.replace('http:', 'https:'))).toMatch(/^FETCH_(TLS|BROKEN): /);
});

test('a redirect from https to http is refused, even to a host that was named', async () => {
  const plain = serve(file);
  const secure = serve(file, { tls: own, instead: () => Response.redirect(plain.url, 302) });
  const options = { ca_pem: own.cert, allow_redirect_hosts: [new URL(plain.url).host] };
  expect(await codeOf(collect(open(secure.url, options), 0, 10))).toBe('FETCH_REDIRECT_REFUSED');
  expect(plain.requests).toHaveLength(0);
});

test('a redirect from http to https of a host that was named is followed, without the password', async () => {
  const secure = serve(file, { tls: own });
  const plain = serve(file, { instead: () => Response.redirect(secure.url, 302) });
  const options = { ca_pem: own.cert, allow_redirect_hosts: [new URL(secure.url).host] };
  const source = open(plain.url.replace('://', '://me:secret@'), options);
  expect((await collect(source, 0, 10)).length).toBe(10);
  expect(plain.requests[0]?.get('authorization')).not.toBeNull();
  expect(secure.requests[0]?.get('authorization')).toBeNull();
});

test('certificates to trust that are none are refused at once', () => {
  expect(() => httpSource(['https://localhost/'], { ca_pem: 'junk' })).toThrowError(
    expect.objectContaining({ code: 'FETCH_CA_INVALID' }),
  );
});

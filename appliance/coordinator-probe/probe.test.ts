import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ProbeOptions, probeCoordinator } from './probe.ts';

const CONNECTED: ProbeOptions = { link: () => ({ carrier: true, address: true }) };
const closers: (() => unknown)[] = [];
let folder = '';

/** A key and certificate by the real openssl, signed by its own authority, for the names given. */
function makeCertificate(name: string, subjectAltName: string): { key: string; cert: string } {
  const key = join(folder, `${name}.key`);
  const cert = join(folder, `${name}.crt`);
  const made = spawnSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
    ].concat(['-subj', `/CN=${name}`, '-addext', `subjectAltName=${subjectAltName}`, '-days', '2']),
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

/** An expired one needs `x509 -days` with a negative number; `req` of OpenSSL 3.0 refuses past dates. */
function makeExpiredCertificate(): { key: string; cert: string } {
  const key = join(folder, 'old.key');
  const cert = join(folder, 'old.crt');
  const script = `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${key} -subj /CN=localhost -addext subjectAltName=DNS:localhost |
    openssl x509 -req -signkey ${key} -days -1 -copy_extensions copy -out ${cert}`;
  const made = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

let good: { key: string; cert: string };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'probe-'));
  good = makeCertificate('good', 'DNS:localhost,IP:127.0.0.1');
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function serve(
  status: number,
  tls?: { key: string; cert: string },
  headers: Record<string, string> = {},
): number {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    ...(tls ? { tls } : {}),
    fetch: (request) =>
      new URL(request.url).pathname === '/health'
        ? new Response('{}', { status, headers })
        : new Response('', { status: 404 }),
  });
  closers.push(() => server.stop(true));
  return server.port ?? 0;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

describe('reaching the coordinator', () => {
  test('succeeds when GET /health answers 200 over HTTP', async () => {
    const result = await probeCoordinator(new URL(`http://127.0.0.1:${serve(200)}`), CONNECTED);
    expect(result).toEqual({
      reachable: true,
      failingStage: null,
      message: '127.0.0.1 answers and is healthy',
    });
  });

  test('succeeds over HTTPS with a certificate of the authority that was configured, by name and by address', async () => {
    const port = serve(200, good);
    for (const host of ['localhost', '127.0.0.1']) {
      const result = await probeCoordinator(new URL(`https://${host}:${port}/`), {
        ...CONNECTED,
        ca_pem: good.cert,
      });
      expect(result).toMatchObject({ reachable: true, failingStage: null });
    }
  });

  test('asks below the path of the configured URL', async () => {
    const paths: string[] = [];
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) => {
        paths.push(new URL(request.url).pathname);
        return new Response('ok');
      },
    });
    closers.push(() => server.stop(true));
    await probeCoordinator(new URL(`http://127.0.0.1:${server.port}/fleet?token=1`), CONNECTED);
    expect(paths).toEqual(['/fleet/health']);
  });
});

describe('the probe names the stage that stops it', () => {
  test('link: no cable, before any name is asked for', async () => {
    const url = new URL('https://coordinator.invalid');
    const result = await probeCoordinator(url, { link: () => ({ carrier: false, address: false }) });
    expect(result.failingStage).toBe('link');
    expect(result.message).toContain('cable');
  });

  test('link: a cable but no address', async () => {
    const url = new URL('https://coordinator.invalid');
    const result = await probeCoordinator(url, { link: () => ({ carrier: true, address: false }) });
    expect(result).toMatchObject({ failingStage: 'link', reachable: false });
    expect(result.message).toContain('DHCP');
  });

  test('dns: a name that does not exist, with the name in the message', async () => {
    const result = await probeCoordinator(new URL('https://coordinator.invalid'), CONNECTED);
    expect(result).toMatchObject({ failingStage: 'dns', reachable: false });
    expect(result.message).toContain('coordinator.invalid');
  });

  test('tcp: nobody listens', async () => {
    const port = await listen(createServer());
    await closers.pop()?.();
    const result = await probeCoordinator(new URL(`https://127.0.0.1:${port}`), CONNECTED);
    expect(result.failingStage).toBe('tcp');
    expect(result.message).toContain(`127.0.0.1:${port} refuses`);
  });

  test('tls: the connection is accepted and nothing answers, within the deadline', async () => {
    const port = await listen(createServer((socket) => closers.push(() => socket.destroy())));
    const started_ms = performance.now();
    const result = await probeCoordinator(new URL(`https://127.0.0.1:${port}`), {
      ...CONNECTED,
      timeouts: { tls_ms: 300 },
    });
    expect(result.failingStage).toBe('tls');
    expect(result.message).toContain('no TLS handshake answers');
    expect(performance.now() - started_ms).toBeLessThan(3_000);
  });

  test('tls: a server that speaks plain HTTP on the port', async () => {
    const result = await probeCoordinator(new URL(`https://127.0.0.1:${serve(200)}`), CONNECTED);
    expect(result.failingStage).toBe('tls');
  });

  test('tls: a certificate of an unknown authority', async () => {
    const result = await probeCoordinator(new URL(`https://localhost:${serve(200, good)}`), CONNECTED);
    expect(result.failingStage).toBe('tls');
    expect(result.message).toContain('signed by nobody we know');
  });

  test('tls: a certificate for another name', async () => {
    const other = makeCertificate('other', 'DNS:elsewhere.example');
    const url = new URL(`https://localhost:${serve(200, other)}`);
    const result = await probeCoordinator(url, { ...CONNECTED, ca_pem: other.cert });
    expect(result.failingStage).toBe('tls');
    expect(result.message).toContain('not for localhost');
  });

  test('tls: an expired certificate, with a word about the clock', async () => {
    const old = makeExpiredCertificate();
    const url = new URL(`https://localhost:${serve(200, old)}`);
    const result = await probeCoordinator(url, { ...CONNECTED, ca_pem: old.cert });
    expect(result.failingStage).toBe('tls');
    expect(result.message).toContain('clock');
  });

  test.each([
    [500, 'not healthy'],
    [404, 'does not know'],
    [302, 'captive portal'],
  ])('health: an answer %i', async (status, words) => {
    const url = new URL(`http://127.0.0.1:${serve(status, undefined, { location: 'http://127.0.0.1:1/' })}`);
    const result = await probeCoordinator(url, CONNECTED);
    expect(result.failingStage).toBe('health');
    expect(result.message).toContain(words);
  });

  test('health: a server that takes the request and never answers, within the deadline', async () => {
    const port = await listen(createServer((socket) => closers.push(() => socket.destroy())));
    const result = await probeCoordinator(new URL(`http://127.0.0.1:${port}`), {
      ...CONNECTED,
      timeouts: { health_ms: 300 },
    });
    expect(result).toMatchObject({ failingStage: 'health' });
    expect(result.message).toContain('nothing within 300 ms');
  });
});

test('an aborted probe rejects with the reason of the abort', async () => {
  const port = await listen(createServer((socket) => closers.push(() => socket.destroy())));
  const controller = new AbortController();
  const probe = probeCoordinator(new URL(`http://127.0.0.1:${port}`), {
    ...CONNECTED,
    signal: controller.signal,
  });
  setTimeout(() => controller.abort(new Error('shutting down')), 100);
  await expect(probe).rejects.toThrow('shutting down');
});

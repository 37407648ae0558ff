import { afterEach, describe, expect, test } from 'vitest';
import { describeError } from '../../base/errors.ts';
import { httpSource } from './http-source.ts';
import { fileServer } from './lab/file-server.ts';
import { codeOf, collect, SteppingClock, sameBytes, sampleFile } from './lab/lab.ts';
import { REDIRECTS_MAX } from './limits.ts';
import type { FetchOptions } from './options.ts';

const file = sampleFile(20_000);
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Answers paths that `to` knows with a redirect, everything else with the file. */
function serve(to: (path: string, origin: string) => string | undefined = () => undefined, status = 302) {
  const server = fileServer(file, {
    instead: (request) => {
      const { pathname, origin } = new URL(request.url);
      const location = to(pathname, origin);
      return location === undefined
        ? undefined
        : new Response('see there', { status, headers: { Location: location } });
    },
  });
  cleanups.push(server.stop);
  return server;
}

function open(url: string, options: FetchOptions = {}) {
  const source = httpSource([url], { clock: new SteppingClock(), attempts_max: 3, ...options });
  cleanups.push(source.close);
  return source;
}

const withUser = (url: string, user: string) => url.replace('://', `://${user}@`);

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308])('with status %i on the same host is followed', async (status) => {
    const server = serve((path) => (path === '/moved' ? '/files/slot.bundle' : undefined), status);
    expect(
      sameBytes(await collect(open(`${server.origin}/moved`), 10, 9_000), file.subarray(10, 9_000)),
    ).toBe(true);
  });

  test('with status 304 is none', async () => {
    const server = serve(() => '/files/slot.bundle', 304);
    expect(await codeOf(collect(open(server.url), 0, 10))).toBe('FETCH_STATUS');
  });

  test(`is followed ${REDIRECTS_MAX} times and not more`, async () => {
    const server = serve((path) => {
      const hops = Number(/^\/hops\/(\d+)$/.exec(path)?.[1] ?? 0);
      return hops === 0 ? undefined : `/hops/${hops - 1}`;
    });
    expect((await collect(open(`${server.origin}/hops/${REDIRECTS_MAX}`), 0, 10)).length).toBe(10);
    const asked = server.requests.length;
    expect(await codeOf(collect(open(`${server.origin}/hops/99`), 0, 10))).toBe('FETCH_REDIRECTS');
    expect(server.requests.length - asked).toBe(REDIRECTS_MAX + 1);
  });

  test('to another host is refused, to another port of the same too', async () => {
    const other = serve();
    for (const location of [
      other.url,
      `http://localhost:${new URL(other.url).port}/x`,
      '//elsewhere.invalid/x',
    ]) {
      const server = serve(() => location);
      expect(await codeOf(collect(open(server.url), 0, 10))).toBe('FETCH_REDIRECT_REFUSED');
    }
    expect(other.requests).toHaveLength(0);
  });

  test('to another host is followed when that host was named', async () => {
    const other = serve();
    const server = serve(() => other.url);
    const { host } = new URL(other.url);
    const source = open(server.url, { allow_redirect_hosts: [host] });
    expect(sameBytes(await collect(source, 0, 20_000), file)).toBe(true);
    expect(await codeOf(collect(open(server.url, { allow_redirect_hosts: ['127.0.0.1'] }), 0, 10))).toBe(
      'FETCH_REDIRECT_REFUSED',
    );
  });

  test.each([
    'file:///etc/passwd',
    'ftp://127.0.0.1/x',
    'data:text/plain,hello',
    'http://',
    'http://user:secret@elsewhere.invalid/?key=secret',
  ])('to %s is refused without repeating a secret', async (location) => {
    const server = serve(() => location);
    const error = await collect(open(server.url), 0, 10).catch((reason: unknown) => reason);
    expect(describeError(error)).toMatch(/^FETCH_REDIRECT_REFUSED: /);
    expect(describeError(error)).not.toContain('secret');
  });

  test('without a location is refused', async () => {
    const server = fileServer(file, { instead: () => new Response(null, { status: 302 }) });
    cleanups.push(server.stop);
    await expect(collect(open(server.url), 0, 10)).rejects.toThrow(/redirects without saying where to$/);
  });

  test('does not make the source ask there for ever: every range begins at the mirror', async () => {
    const server = serve((path) => (path === '/moved' ? '/files/slot.bundle' : undefined));
    const source = open(`${server.origin}/moved`);
    await collect(source, 0, 10);
    await collect(source, 10, 20);
    expect(server.requests).toHaveLength(4);
  });
});

describe('user and password of an address', () => {
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

  test('are sent as Basic authentication, percent-decoded', async () => {
    const server = serve();
    await collect(open(withUser(server.url, 'b%C3%BCro:s%3Acr%40t')), 0, 10);
    expect(server.requests[0]?.get('authorization')).toBe(basic('büro:s:cr@t'));
  });

  test('follow a redirect within the origin', async () => {
    const server = serve((path) => (path === '/moved' ? '/files/slot.bundle' : undefined));
    await collect(open(withUser(`${server.origin}/moved`, 'me:secret')), 0, 10);
    expect(server.requests.map((head) => head.get('authorization'))).toEqual([
      basic('me:secret'),
      basic('me:secret'),
    ]);
  });

  test('are not sent to another origin, nor are those that a redirect brings along', async () => {
    const other = serve();
    const server = serve(() => withUser(other.url, 'planted:secret'));
    const source = open(withUser(server.url, 'me:secret'), {
      allow_redirect_hosts: [new URL(other.url).host],
    });
    expect((await collect(source, 0, 10)).length).toBe(10);
    expect(other.requests[0]?.get('authorization')).toBeNull();
  });

  test('are in no name, message, cause or report, and neither is the query', async () => {
    const server = serve();
    await server.stop();
    const reports: string[] = [];
    const url = `${withUser(server.url, 'me:hidden')}?key=hidden#hidden`;
    const source = open(url, { onRetry: (retry) => reports.push(JSON.stringify(retry)) });
    expect(source.name).toBe(server.url);
    const error = await collect(source, 0, 10).catch((reason: unknown) => reason);
    expect(describeError(error)).toContain('FETCH_GAVE_UP');
    expect(reports).toHaveLength(2);
    for (const text of [...reports, describeError(error), Bun.inspect(error, { depth: 9 })])
      expect(text).not.toContain('hidden');
  });

  test('and the query reach the server', async () => {
    const server = serve();
    const asked: string[] = [];
    const spy = fileServer(file, {
      instead: (request) => {
        asked.push(new URL(request.url).search);
        return undefined;
      },
    });
    cleanups.push(spy.stop);
    await collect(open(`${spy.url}?key=1#part`), 0, 10);
    expect(asked).toEqual(['?key=1']);
    expect(server.requests).toHaveLength(0);
  });
});

describe('an address', () => {
  test.each([
    'ftp://example.org/x',
    'file:///etc/passwd',
    'slot.bundle',
    '/slot.bundle',
    '',
    'http://',
    'https://me:%ff@example.org/',
    'javascript:alert(1)',
  ])('such as %j is refused', (url) => {
    expect(() => httpSource([url])).toThrowError(expect.objectContaining({ code: 'FETCH_URL_INVALID' }));
  });

  test('must be given', () => {
    expect(() => httpSource([])).toThrowError(expect.objectContaining({ code: 'FETCH_URL_INVALID' }));
  });

  test('that is refused is not repeated with its password', () => {
    for (const url of [
      'http://me:secret@[/x',
      'ftp://me:secret@example.org/?secret',
      'https://me:secret%ff@example.org/',
    ])
      expect(() => httpSource([url])).toThrowError(
        expect.objectContaining({ message: expect.not.stringContaining('secret') }),
      );
  });
});

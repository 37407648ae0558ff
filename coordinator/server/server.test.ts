import { describe, expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { API_BURST, REQUEST_BODY_MAX_BYTES } from '../limits.ts';
import { clientAddress } from './client-address.ts';
import { ownAuthorities } from './serve.ts';

describe('the server', () => {
  const lab = startLab();

  test('says that it is well, and keeps nothing', async () => {
    const answer = await (await lab).call('GET', '/health');
    expect(answer).toMatchObject({ status: 200, body: { status: 'ok', database: 'sqlite' } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    ['nothing there', 'GET', '/nowhere', undefined, 404, 'ROUTE_UNKNOWN'],
    ['a field that does not fit', 'POST', '/api/v1/session', { code: 5 }, 400, 'REQUEST_INVALID'],
    ['a field that nobody knows', 'POST', '/api/v1/session', { code: 'x', extra: 1 }, 401, 'SIGN_IN_FAILED'],
  ])('refuses %s with its code', async (_, method, path, body, status, code) => {
    expect(await (await lab).call(method, path, body)).toMatchObject({ status, body: { error: { code } } });
  });

  test('does not repeat what was sent in what it refuses', async () => {
    const { body } = await (await lab).call('POST', '/api/v1/session', {
      name: 'a',
      password: { my: 'secret word' },
    });
    expect(JSON.stringify(body)).not.toContain('secret word');
  });

  test('takes no body that is larger than any it needs', async () => {
    const large = await fetch(`${(await lab).url}/api/v1/session`, {
      method: 'POST',
      body: 'x'.repeat(REQUEST_BODY_MAX_BYTES + 1),
    });
    expect(large.status).toBe(413);
  });

  test('counts by route, not by address, so that strangers make no new labels', async () => {
    const { call } = await lab;
    await call('GET', '/a/b/c');
    await fetch(`${(await lab).url}/d`, { method: 'BREW' });
    const metrics = String((await call('GET', '/metrics')).body['text']);
    expect(metrics).toMatch(/http_requests_total\{method="GET",route="unknown",status="404"\} [1-9]/);
    expect(metrics).not.toMatch(/route="\/(a\/|d")/);
    expect(metrics).not.toContain('BREW');
  });

  test('answers one address so many requests at once, and says when to come again', async () => {
    const own = await startLab();
    const answers = await Promise.all(
      Array.from({ length: API_BURST + 20 }, () => own.call('GET', '/api/v1/me')),
    );
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.body.error?.code).toBe('TOO_MANY_REQUESTS');
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await own.call('GET', '/health')).status).toBe(200);
  });

  test('describes all of it in OpenAPI 3.1', async () => {
    const { body } = await (await lab).call('GET', '/openapi.json');
    expect(body['openapi']).toMatch(/^3\.1\./);
    const paths = body['paths'] as Record<
      string,
      Record<string, { summary?: string; responses?: object; tags?: string[] }>
    >;
    expect(Object.keys(paths).length).toBeGreaterThan(8);
    for (const [path, methods] of Object.entries(paths))
      for (const [method, { summary, responses, tags }] of Object.entries(methods)) {
        expect(summary, `${method} ${path}`).toBeTruthy();
        expect(tags, `${method} ${path}`).toHaveLength(1);
        expect(Object.keys(responses ?? {}), `${method} ${path}`).not.toEqual([]);
      }
  });
});

test('when told to stop, it ends what runs and closes its port', async () => {
  const lab = await startLab();
  const running = Array.from({ length: 10 }, () =>
    lab.call('POST', '/api/v1/session', { name: 'a', password: 'b' }),
  );
  await Bun.sleep(5);
  await lab.stop();
  const statuses = await Promise.all(
    running.map((answer) =>
      answer.then(
        ({ status }) => status,
        () => 'not taken',
      ),
    ),
  );
  expect(statuses.filter((status) => status === 500)).toEqual([]);
  await expect(fetch(`${lab.url}/health`)).rejects.toThrow();
});

test('a port that is taken is told', async () => {
  const { port } = await startLab();
  await expect(startLab({ port })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    hint: expect.stringContaining('another program'),
  });
});

test.each([
  ['the other end', '192.0.2.1', '198.51.100.9', '192.0.2.1'],
  ['what a proxy of ours says', '10.0.0.1', '198.51.100.9', '198.51.100.9'],
  ['only what the proxy itself added', '::ffff:10.0.0.1', '1.2.3.4, 198.51.100.9', '198.51.100.9'],
  ['the proxy, when it says nothing', '10.0.0.1', '', '10.0.0.1'],
])('the address of a client is %s', (_, peer, forwarded, expected) => {
  const request = new Request('http://coordinator.example', { headers: { 'x-forwarded-for': forwarded } });
  expect(clientAddress(request, peer, new Set(['10.0.0.1']))).toBe(expected);
});

test('the names of the coordinator are those that were given, or those of the machine, and always itself', () => {
  const given = ownAuthorities([new URL('https://Coordinator.example')], 'box', 8000);
  expect([...given].sort()).toEqual([
    '127.0.0.1:8000',
    '[::1]:8000',
    'coordinator.example',
    'localhost:8000',
  ]);
  expect(ownAuthorities([], 'Box', 8000)).toContain('box:8000');
});

import { expect, test } from 'vitest';
import { firstAnswer, selfProbe, selfUrl } from './self-probe.ts';

test.each([
  [undefined, 'http://127.0.0.1:80'],
  ['::', 'http://127.0.0.1:80'],
  ['0.0.0.0', 'http://127.0.0.1:80'],
  ['10.0.0.5', 'http://10.0.0.5:80'],
  ['::1', 'http://[::1]:80'],
])('what listens on %s is reached at %s', (listen, url) => {
  expect(selfUrl(listen, 80)).toBe(url);
});

test('a server that answers 200 is alive; one that answers 500 or is gone is not', async () => {
  let status = 200;
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('x', { status }) });
  const url = `http://127.0.0.1:${server.port}`;
  expect(await selfProbe(url)).toBeNull();
  status = 500;
  expect(await selfProbe(url)).toContain('500');
  await server.stop(true);
  expect(await selfProbe(url)).toContain('does not answer');
});

test('a page that has just been opened is asked until it answers, and not for ever', async () => {
  let asked = 0;
  const answer = () => new Response('x', { status: ++asked < 3 ? 503 : 200 });
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
  const url = `http://127.0.0.1:${server.port}`;
  expect(await firstAnswer(url)).toBeNull();
  expect(asked).toBe(3);
  await server.stop(true);
  expect(await firstAnswer(url, 10)).toContain('does not answer');
});

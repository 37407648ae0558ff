import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { healthyStatus, trialStatus, unhealthyStatus } from './example-status.ts';
import { EVENT_BACKLOG_MAX } from './limits.ts';
import { type StatusServer, serveStatusPage } from './serve.ts';
import { createStatusApp, type StatusAppOptions } from './status-app.ts';
import { type TestSource, testSource } from './test-source.ts';

/** The server over real sockets. */

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function start(
  over: Partial<StatusAppOptions> = {},
  serve: { hostname?: string; idleTimeout_s?: number } = {},
) {
  const source = testSource(healthyStatus());
  const app = createStatusApp({ source, ...over });
  const server = serveStatusPage(app, { port: 0, ...serve });
  stops.push(() => server.stop());
  return { server, source, url: `http://127.0.0.1:${server.port}` };
}

/** A client that speaks bytes, so that it can behave badly. */
async function raw(
  server: StatusServer,
  request: string,
): Promise<{ socket: Socket; closed: Promise<void>; text: () => string }> {
  const socket = connect({ host: '127.0.0.1', port: server.port });
  stops.push(() => socket.destroy());
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  await new Promise<void>((resolve) => socket.on('connect', () => resolve()));
  socket.write(request);
  return { socket, closed, text: () => text };
}

const EVENTS = 'GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n';

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(text.match(new RegExp(`^${name} (\\S+)$`, 'm'))?.[1]);
}

/** Reads a stream until its text matches. */
async function readUntil(response: Response, pattern: RegExp): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!pattern.test(text)) {
    const part = await reader?.read();
    if (!part || part.done) break;
    text += decoder.decode(part.value, { stream: true });
  }
  reader?.releaseLock();
  return text;
}

describe('the port', () => {
  test('answers over IPv4 and IPv6', async () => {
    const { server } = start();
    for (const host of ['127.0.0.1', '[::1]']) {
      expect(await (await fetch(`http://${host}:${server.port}/healthz`)).text()).toBe('ok\n');
    }
  });

  test('that is taken is named together with what to do', () => {
    const { server } = start();
    const again = () =>
      serveStatusPage(createStatusApp({ source: testSource(healthyStatus()) }), { port: server.port });
    expect(again).toThrow(
      expect.objectContaining({ code: 'STATUS_PORT_TAKEN', hint: expect.stringContaining('ss -ltnp') }),
    );
  });

  test('takes no bodies: a large one is refused before it was read', async () => {
    const { url } = start();
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(1_000_000) })).status).toBe(413);
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
  });

  test.each([
    ['no host at all', 'GET /healthz HTTP/1.0\r\n\r\n', '200'],
    ['a host of one letter', 'GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n', '200'],
    ['a host that is markup', 'GET /healthz HTTP/1.1\r\nHost: <script>\r\nConnection: close\r\n\r\n', '200'],
    ['an address that is not one', 'GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', '200'],
  ])('survives %s', async (_, request, status) => {
    const { server, url } = start();
    const client = await raw(server, request);
    await expect.poll(client.text).toMatch(/^HTTP\/1\.1 \d{3}/);
    expect([status, '400']).toContain(client.text().slice(9, 12));
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('closes a connection that asks nothing more', async () => {
    const { server } = start({}, { idleTimeout_s: 1 });
    const client = await raw(server, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.closed;
    expect(client.text()).toContain('ok');
  });

  test('is free again after a stop, and nobody hangs', async () => {
    const { server, url } = start();
    const stream = await fetch(`${url}/api/v1/events`);
    await server.stop();
    await expect(readUntil(stream, /never/)).resolves.toContain('event: status');
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    const again = serveStatusPage(createStatusApp({ source: testSource(healthyStatus()) }), {
      port: server.port,
    });
    await again.stop();
  });
});

describe('the live stream', () => {
  const quick = { events: { interval_min_ms: 20, heartbeat_ms: 50_000 } };
  const dataOf = (text: string) =>
    [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name, data]) => [
      name,
      JSON.parse(data ?? ''),
    ]);

  test('starts with the whole status and goes on with each change', async () => {
    const { source, url } = start(quick);
    const stream = await fetch(`${url}/api/v1/events`);
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(dataOf(await readUntil(stream, /event: status\n.*\n\n/))).toEqual([['status', healthyStatus()]]);
    source.push(unhealthyStatus());
    expect(dataOf(await readUntil(stream, /event: status\n.*\n\n/))).toEqual([['status', unhealthyStatus()]]);
    await stream.body?.cancel();
  });

  test('tells a burst as one change, and the last word is the latest', async () => {
    const { source, url } = start({ events: { interval_min_ms: 100, heartbeat_ms: 50_000 } });
    const stream = await fetch(`${url}/api/v1/events`);
    await readUntil(stream, /event: status\n.*\n\n/);
    for (let round = 0; round < 50; round += 1) source.push(round === 49 ? trialStatus() : unhealthyStatus());
    const heard = dataOf(await readUntil(stream, /"outcome":"pending"/));
    expect(heard.length).toBeLessThanOrEqual(2);
    await stream.body?.cancel();
  });

  test('shows that it is alive, and what changed without being announced', async () => {
    const { source, url } = start({ events: { interval_min_ms: 1, heartbeat_ms: 50 } });
    const stream = await fetch(`${url}/api/v1/events`);
    await readUntil(stream, /event: status\n.*\n\n/);
    source.answer = unhealthyStatus();
    expect(await readUntil(stream, /"outcome":"unhealthy"/)).toContain(': still here\n\n');
    source.answer = new Error('internal detail');
    const text = await readUntil(stream, /event: problem\n.*\n\n/);
    expect(text).toContain('STATUS_SOURCE_FAILED');
    expect(text).not.toContain('internal detail');
    await stream.body?.cancel();
  });

  test('is limited in number, and a place that was left is free again', async () => {
    const { url } = start({ events: { clients_max: 2 } });
    const streams = [await fetch(`${url}/api/v1/events`), await fetch(`${url}/api/v1/events`)];
    const third = await fetch(`${url}/api/v1/events`);
    expect(third.status).toBe(503);
    expect(await third.json()).toMatchObject({ error: { code: 'STATUS_EVENTS_FULL' } });
    await streams[0]?.body?.cancel();
    await expect.poll(() => metric(url, 'bulkhead_event_streams')).toBe(1);
    const fourth = await fetch(`${url}/api/v1/events`);
    expect(fourth.status).toBe(200);
    expect(await metric(url, 'bulkhead_event_streams_refused_total')).toBe(1);
    for (const stream of [streams[1], fourth]) await stream?.body?.cancel();
  });

  test('is not opened by HEAD', async () => {
    const { url } = start({ events: { clients_max: 1 } });
    const response = await fetch(`${url}/api/v1/events`, { method: 'HEAD' });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(await metric(url, 'bulkhead_event_streams')).toBe(0);
  });

  test('ends for a client that takes nothing, while others go on', async () => {
    const { server, source, url } = start({ events: { interval_min_ms: 1, heartbeat_ms: 50_000 } });
    const slow = await raw(server, EVENTS);
    await expect.poll(slow.text).toContain('event: status');
    slow.socket.pause();
    const good = await fetch(`${url}/api/v1/events`);
    let heard = 0;
    const reading = (async () => {
      for await (const part of good.body ?? []) heard += part.length;
    })();
    await flood(source, async () => (await metric(url, 'bulkhead_event_streams_dropped_total')) > 0);
    expect(await metric(url, 'bulkhead_event_streams')).toBe(1);
    expect(heard).toBeGreaterThan(EVENT_BACKLOG_MAX * 100_000);
    await server.stop();
    await reading;
  }, 20_000);
});

/** Pushes large statuses until sockets and queues of whoever does not read are full. */
async function flood(source: TestSource, done: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 500; round += 1) {
    const status = healthyStatus();
    status.identity.serial = `${round}`.padEnd(500_000, 'x');
    source.push(status);
    await Bun.sleep(5);
    if (round % 5 === 0 && (await done())) return;
  }
  throw new Error('the slow client was never dropped');
}

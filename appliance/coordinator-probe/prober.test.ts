import { afterEach, describe, expect, test } from 'vitest';
import type { LinkState } from './classify.ts';
import { probeCoordinator } from './probe.ts';
import { createProber, type Prober, type ProberOptions, shownUrl, type WayStatus } from './prober.ts';

const probers: Prober[] = [];
afterEach(() => {
  for (const prober of probers.splice(0)) prober.stop();
});

/** A prober with the real probe, and a promise of its next word. */
function makeProber(url: string | null, link: () => LinkState = () => ({ carrier: true, address: true })) {
  const heard: WayStatus[] = [];
  let wake = () => {};
  const options: ProberOptions = {
    url,
    interval_ms: 60_000,
    probe: (target, signal) => probeCoordinator(target, { link, signal }),
    now: () => new Date('2026-11-21T12:00:00Z'),
    random: () => 0.5,
    onChange: (status) => {
      heard.push(status);
      wake();
    },
  };
  const prober = createProber(options);
  probers.push(prober);
  const next = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return { prober, heard, next };
}

describe('the coordinator on the status page', () => {
  test('is "not configured" without a URL, and nothing is sent', async () => {
    const { prober, heard } = makeProber(null);
    prober.start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toEqual([]);
    expect(prober.status()).toEqual({
      configured: false,
      url: null,
      reachable: null,
      failingStage: null,
      message: 'not configured',
      checkedAt: null,
    });
  });

  test('says so when what is configured is no URL, without repeating it', () => {
    const { prober } = makeProber('s3cret-token');
    prober.start();
    expect(prober.status()).toMatchObject({ configured: true, url: null, reachable: null });
    expect(JSON.stringify(prober.status())).not.toContain('s3cret');
  });

  test('shows no password and no query of the URL', () => {
    expect(shownUrl(new URL('https://me:hunter2@coordinator.example/fleet?key=1#x'))).toBe(
      'https://coordinator.example/fleet',
    );
    const { prober } = makeProber('https://me:hunter2@coordinator.example/?key=1');
    expect(JSON.stringify(prober.status())).not.toMatch(/hunter2|key=1/);
  });

  test('follows the coordinator: reachable, gone, and back after the network changed', async () => {
    const serve = (port: number) =>
      Bun.serve({ port, hostname: '127.0.0.1', fetch: () => new Response('ok') });
    let server = serve(0);
    const port = server.port ?? 0;
    const { prober, heard, next } = makeProber(`http://127.0.0.1:${port}`);
    const first = next();
    prober.start();
    await first;
    expect(heard.at(-1)).toMatchObject({ reachable: true, checkedAt: '2026-11-21T12:00:00.000Z' });
    await server.stop(true);
    const second = next();
    prober.start();
    await second;
    expect(heard.at(-1)).toMatchObject({ reachable: false, failingStage: 'tcp' });
    server = serve(port);
    const third = next();
    prober.kick();
    await third;
    expect(heard.at(-1)).toMatchObject({ reachable: true, failingStage: null });
    await server.stop(true);
  });

  test('says nothing more once it is stopped, not even the end of a probe under way', async () => {
    const { prober, heard } = makeProber('http://127.0.0.1:9');
    prober.start();
    prober.stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(heard).toEqual([]);
  });
});

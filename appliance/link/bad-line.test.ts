import { describe, expect, test } from 'vitest';
import { type LinkLab, startLinkLab, until } from '../../test/coordinator/link-lab.ts';
import type { Fate } from './lab/bad-line.ts';
import { withLink } from './link-section.ts';

/** What happens to the next so many requests; then the line is good again. */
function nextRequests(lab: LinkLab, count: number, fate: Fate): void {
  let left = count;
  lab.line.fate = () => {
    left -= 1;
    return left >= 0 ? fate : 'pass';
  };
}

const WAY = {
  ...{ configured: true, url: 'https://c.example.org', reachable: true, failingStage: null },
  ...{ message: 'c.example.org answers and is healthy', checkedAt: null },
};

describe('one message on a bad line', () => {
  test.each<[string, Fate]>([
    ['that loses it on the way there', 'drop'],
    ['that loses the answer', 'cut'],
    ['that brings it twice', 'twice'],
    ['that is slow', 'slow'],
    ['whose proxy has nobody behind it', { status: 502 }],
    ['whose proxy shows a page', { status: 200, body: '<html>Welcome</html>' }],
    ['that says something else in JSON', { status: 200, body: '{"hello":1}' }],
    ['that leads elsewhere', { status: 302, headers: { location: 'https://localhost:1/' } }],
  ])('%s arrives once', async (_, fate) => {
    const lab = await startLinkLab();
    const link = await lab.connected();
    nextRequests(lab, 2, fate);
    link.machine.change({ hostname: 'box-1' });
    link.machine.change({ hostname: 'box-2' });
    await until(() => link.status().waiting.records === 0 && link.status().state === 'connected');
    const { changes } = await lab.ask('GET', `/api/v1/devices/${link.id}/changes`);
    expect((changes as { changes: { after: unknown }[] }[]).map((each) => each.changes[0]?.after)).toEqual([
      ...['box-2', 'box-1', undefined],
    ]);
    expect(link.status().waiting.dropped).toEqual({ log: 0, state: 0, refused: 0 });
  });
});

test('a clock that is far off is no matter: requests carry the time of the coordinator, and the page says how far it is', async () => {
  const lab = await startLinkLab();
  await lab.ask('GET', '/api/v1/devices');
  lab.coordinator.wait(40 * 60_000);
  const link = await lab.connected();
  expect(Math.abs((link.status().clockOffset_ms ?? 0) - 40 * 60_000)).toBeLessThan(5_000);
  // Another jump, of the coordinator or of the own clock, costs one refused request and no pause.
  lab.coordinator.wait(-80 * 60_000);
  link.machine.change({ hostname: 'box-1' });
  await until(() => link.status().waiting.records === 0, 1_000);
  expect(link.status().clockOffset_ms).toBeLessThan(-39 * 60_000);
});

test('a count that was lost goes on above what the coordinator has seen, with one request more', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  const seen = lab.line.requests.at(-1)?.sequence ?? 0;
  await link.stop();
  const before = lab.line.requests.length;
  const again = lab.open({ key: link.key });
  await until(() => again.status().agent === 'current' && again.status().waiting.records === 0);
  const sequences = lab.line.requests.slice(before).map(({ sequence }) => sequence);
  expect(sequences[0]).toBeLessThanOrEqual(seen);
  expect(sequences.filter((sequence) => sequence <= seen).length).toBeLessThanOrEqual(2);
  expect(sequences.at(-1)).toBeGreaterThan(seen);
});

test.each([429, 503])('a pause that is asked for with %i is kept, whatever waits', async (status) => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  nextRequests(lab, 1, { status, headers: { 'retry-after': '1' } });
  const before = lab.line.requests.length;
  const begin_ms = performance.now();
  link.machine.change({ hostname: 'box-1' });
  await until(() => lab.line.requests.length > before);
  for (const hostname of ['box-2', 'box-3']) link.machine.change({ hostname });
  await Bun.sleep(500);
  expect(lab.line.requests.length).toBe(before + 1);
  // Nothing is wrong: it is the pace at which the coordinator takes what waits.
  expect(link.status().state).toBe('connected');
  await until(() => link.status().waiting.records === 0);
  expect(performance.now() - begin_ms).toBeGreaterThan(1_000);
});

test('a long pause is told as what it is, and ends when the network changes', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  nextRequests(lab, 1, { status: 503, headers: { 'retry-after': '3600' } });
  link.machine.change({ hostname: 'box-1' });
  await until(() => link.status().state === 'interrupted');
  expect(link.problem()).toBe('answers 503');
  // The network has changed: whoever asked for that pause may not be there any more.
  link.kick();
  await until(() => link.status().state === 'connected');
});

test('a coordinator with a certificate of nobody we know is not spoken to', async () => {
  const lab = await startLinkLab();
  const link = lab.open({ ca_pem: null });
  await until(() => link.problem() !== null);
  expect(lab.line.requests).toEqual([]);
  expect(link.status().state).toBe('enrolling');
  expect(link.problem()).toMatch(/certificate/i);
});

test('without TLS nothing is sent at all', async () => {
  const lab = await startLinkLab();
  const link = lab.open({ url: new URL(lab.coordinator.url) });
  await until(() => link.problem() !== null);
  expect(link.problem()).toContain('no https');
});

test('a coordinator that does not go by this name is shown as what turns the appliance away', async () => {
  const lab = await startLinkLab({ urls: [new URL('https://other.example.org')] });
  const link = lab.open();
  await until(() => link.problem() !== null);
  expect(link.problem()).toMatch(/^SIGNATURE_HOST: /);
  expect(withLink(WAY, link.status(), link.problem())).toMatchObject({
    reachable: false,
    failingStage: 'auth',
  });
});

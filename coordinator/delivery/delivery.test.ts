import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab, stopLabs } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';
import { type Received, startReceiver } from '../../test/coordinator/receiver.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { runProgram } from '../program.ts';
import { afterTry } from './courier.ts';
import { DELIVERY_LIFE_MS, FAILURES_MAX, NOTICE_ALARMS_MAX, RETRY_FIRST_MS, RETRY_MAX_MS } from './limits.ts';
import { matrixContent, noticeOf } from './notice.ts';

const backends = openBackends();
const MINUTE_MS = 60_000;
const PATIENT = { timeout: 15_000 };
// They look again and again; those of tests that are over would slow the others down.
afterEach(stopLabs);

const start = ({ data, url }: { data: string; url?: string | undefined }) =>
  startLab({ data, database_url: url, alarm_interval_ms: 50, courier_interval_ms: 50 });

async function add(lab: CoordinatorLab, channel: object): Promise<{ id: string; secret: string | null }> {
  const { status, body } = await lab.call('POST', '/api/v1/channels', channel, await lab.admin());
  expect(status, JSON.stringify(body)).toBe(200);
  return { id: (body['channel'] as { id: string }).id, secret: body['secret'] as string | null };
}

async function deliveries(lab: CoordinatorLab, query = '') {
  const { body } = await lab.call('GET', `/api/v1/deliveries${query}`, undefined, await lab.admin());
  return body['deliveries'] as { id: string; state: string; attempts: number; error: string | null }[];
}

/** As a receiver that knows nothing of us checks it. */
function isSigned({ headers, body }: Received, secret: string): boolean {
  const [id, at] = [headers.get('webhook-id'), headers.get('webhook-timestamp')];
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const mac = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64');
  return headers.get('webhook-signature') === `v1,${mac}`;
}

interface Body {
  type: string;
  timestamp: string;
  data: { opened: { kind: string; message: string }[]; closed: { kind: string }[]; more: number };
}
const bodyOf = (received: Received | undefined) => JSON.parse(received?.body ?? '{}') as Body;

describe.each(BACKENDS)('on %s', (backend) => {
  test('a webhook hears of what opens and closes, signed, in order', async () => {
    const lab = await start(await backends.place(backend));
    const receiver = startReceiver();
    const { secret } = await add(lab, { kind: 'webhook', name: 'ops', url: `${receiver.url}/hook` });
    const device = await approvedDevice(lab, { hostname: 'reception' });
    await device.heartbeat();
    lab.wait(11 * MINUTE_MS);
    await expect.poll(() => receiver.received.length, PATIENT).toBe(1);
    const [first] = receiver.received;
    expect(first).toMatchObject({ method: 'POST', path: '/hook' });
    expect(first && isSigned(first, secret ?? '')).toBe(true);
    expect(first && isSigned({ ...first, body: `${first.body} ` }, secret ?? '')).toBe(false);
    expect(bodyOf(first)).toMatchObject({
      type: 'alarms.changed',
      data: { opened: [{ kind: 'appliance_silent', subject: `device:${device.id}` }], closed: [], more: 0 },
    });
    await device.heartbeat();
    await expect.poll(() => receiver.received.length, PATIENT).toBe(2);
    expect(bodyOf(receiver.received[1])).toMatchObject({
      data: { opened: [], closed: [{ kind: 'appliance_silent' }] },
    });
  });

  test('a receiver that fails gets the same message again, with the same id, until it takes it', async () => {
    const lab = await start(await backends.place(backend));
    const receiver = startReceiver();
    receiver.answers = [
      () => new Response('not now', { status: 503 }),
      () => new Response('slower', { status: 429, headers: { 'retry-after': '60' } }),
      () => Response.json({}),
    ];
    const { id, secret } = await add(lab, { kind: 'webhook', name: 'ops', url: receiver.url });
    await lab.call('POST', `/api/v1/channels/${id}/test`, undefined, await lab.admin());
    await lab.call('POST', `/api/v1/channels/${id}/test`, undefined, await lab.admin());
    await expect.poll(async () => (await deliveries(lab)).at(-1)?.error, PATIENT).toBe('503: not now');
    lab.wait(RETRY_FIRST_MS);
    await expect.poll(async () => (await deliveries(lab)).at(-1)?.error, PATIENT).toBe('429: slower');
    // The second waits behind the first, and the receiver asked for a minute.
    lab.wait(50_000);
    await Bun.sleep(100);
    expect(receiver.received).toHaveLength(2);
    lab.wait(11_000);
    await expect.poll(() => receiver.received.length, PATIENT).toBe(4);
    const ids = receiver.received.map(({ headers }) => headers.get('webhook-id'));
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(ids[3]).not.toBe(ids[0]);
    expect(new Set(receiver.received.slice(0, 3).map(({ body }) => body)).size).toBe(1);
    expect(receiver.received.every((one) => isSigned(one, secret ?? ''))).toBe(true);
    await expect.poll(async () => (await deliveries(lab, '?state=delivered')).length, PATIENT).toBe(2);
  });

  test('a Matrix room gets the message once, however often it is sent', async () => {
    const lab = await start(await backends.place(backend));
    const homeserver = startReceiver();
    homeserver.answers = [
      () => Response.json({ errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 5000 }, { status: 429 }),
      () => Response.json({ event_id: '$1' }),
    ];
    const room = '!ops:example.org';
    await add(lab, { kind: 'matrix', name: 'room', url: `${homeserver.url}/`, room, access_token: 'syt_x' });
    await approvedDevice(lab, { hostname: 'a <b>' });
    lab.wait(11 * MINUTE_MS);
    await expect.poll(() => homeserver.received.length, PATIENT).toBe(1);
    lab.wait(5000);
    await expect.poll(() => homeserver.received.length, PATIENT).toBe(2);
    const [first, second] = homeserver.received;
    expect(first?.method).toBe('PUT');
    expect(decodeURIComponent(first?.path ?? '')).toMatch(
      /^\/_matrix\/client\/v3\/rooms\/!ops:example\.org\/send\/m\.room\.message\/[0-9a-f-]{36}$/,
    );
    expect(second?.path).toBe(first?.path);
    expect(first?.headers.get('authorization')).toBe('Bearer syt_x');
    const content = JSON.parse(first?.body ?? '') as Record<string, string>;
    expect(content['body']).toMatch(/^critical: Silent appliance: a <b> was let in at/);
    expect(content['formatted_body']).toContain('a &lt;b&gt; was let in');
  });
});

test('what a receiver refuses is a dead letter, and an alarm until something gets through', async () => {
  const lab = await start(await backends.place('sqlite'));
  const receiver = startReceiver();
  receiver.answers = [() => new Response('no such hook', { status: 404 })];
  const { id } = await add(lab, { kind: 'webhook', name: 'ops', url: receiver.url });
  await lab.call('POST', `/api/v1/channels/${id}/test`, undefined, await lab.admin());
  await expect.poll(async () => (await deliveries(lab, '?state=dead')).length, PATIENT).toBeGreaterThan(0);
  const kinds = async () => {
    const { body } = await lab.call('GET', '/api/v1/alarms', undefined, await lab.admin());
    return (body['alarms'] as { kind: string; message: string }[]).map(({ kind, message }) => [
      kind,
      message,
    ]);
  };
  await expect
    .poll(kinds, PATIENT)
    .toEqual([['delivery_failing', 'alarms do not get through to ops: 404: no such hook']]);
  receiver.answers = [() => Response.json({})];
  const page = new Visitor(lab, await lab.admin());
  const dead = (await deliveries(lab, '?state=dead')).at(0)?.id ?? '';
  const sent = await page.send('/alarms/channels', { act: 'retry', id: dead });
  expect(sent.location).toContain('done=channel_tested');
  await expect.poll(kinds, PATIENT).toEqual([]);
});

test('a redirect is not followed: it could lead anywhere', async () => {
  const lab = await start(await backends.place('sqlite'));
  const [receiver, elsewhere] = [startReceiver(), startReceiver()];
  receiver.answers = [() => Response.redirect(elsewhere.url, 307)];
  const { id } = await add(lab, { kind: 'webhook', name: 'ops', url: receiver.url });
  await lab.call('POST', `/api/v1/channels/${id}/test`, undefined, await lab.admin());
  await expect.poll(async () => (await deliveries(lab)).at(-1)?.state, PATIENT).toBe('dead');
  expect(elsewhere.received).toEqual([]);
});

test('two coordinators on one PostgreSQL send each message once', async () => {
  const place = await backends.place('postgres');
  const labs = [await start(place), await start(place)] as const;
  const receiver = startReceiver();
  const { id } = await add(labs[0], { kind: 'webhook', name: 'ops', url: receiver.url });
  for (let count = 0; count < 20; count += 1)
    await labs[0].call('POST', `/api/v1/channels/${id}/test`, undefined, await labs[0].admin());
  await expect.poll(async () => (await deliveries(labs[1], '?state=delivered')).length, PATIENT).toBe(20);
  const ids = receiver.received.map(({ headers }) => headers.get('webhook-id'));
  expect(ids).toHaveLength(20);
  expect(ids).toEqual([...new Set(ids)].sort());
});

test('with the intervals that it ships with, a fact is delivered within half a minute', async () => {
  const lab = await startLab();
  const receiver = startReceiver();
  await add(lab, { kind: 'webhook', name: 'ops', url: receiver.url });
  const device = await approvedDevice(lab);
  await device.heartbeat();
  const began_ms = performance.now();
  lab.wait(11 * MINUTE_MS);
  await expect.poll(() => receiver.received.length, { timeout: 19_000, interval: 100 }).toBe(1);
  expect(performance.now() - began_ms).toBeLessThan(19_000);
});

test('an administrator sets channels up on the page and from the command line; nobody is shown a secret twice', async () => {
  const lab = await start(await backends.place('sqlite'));
  const receiver = startReceiver();
  const page = new Visitor(lab, await lab.admin());
  const added = await page.send('/alarms/channels', {
    ...{ act: 'add', kind: 'webhook', name: 'ops', url: receiver.url, least: 'critical' },
  });
  const secret = /class="secret">(whsec_[\w+/=]+)</.exec(added.html)?.[1] ?? '';
  expect(secret).not.toBe('');
  expect((await page.see('/alarms/channels')).html).not.toContain(secret);
  const wrong = await page.send('/alarms/channels', {
    ...{ act: 'add', kind: 'webhook', name: 'x', url: 'ftp://x', least: 'warning' },
  });
  expect(wrong.html).toContain('CHANNEL_ADDRESS');

  const folder = makeFolder('channel');
  await Bun.write(join(folder, 'token'), await lab.admin());
  await Bun.write(join(folder, 'matrix'), 'syt_secret\n');
  const command = async (...args: string[]) => {
    const said = { out: '', err: '', code: 0 };
    await runProgram(['channel', ...args, '--server', lab.url, '--token-file', join(folder, 'token')], {
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
      setExitCode: (code) => (said.code = code),
    });
    return said;
  };
  const room = ['!r:example.org', '--access-token-file', join(folder, 'matrix'), '--from', 'critical'];
  expect((await command('add-matrix', 'room', receiver.url, ...room)).out).not.toContain('syt_secret');
  expect((await command('add-webhook', 'two', receiver.url)).out).toContain('whsec_');
  const listed = (await command('list')).out;
  expect(listed).toMatch(/webhook +critical +ops/);
  expect(listed).not.toMatch(/whsec_|syt_/);
  const id = /^(\S+) +webhook +critical/m.exec(listed)?.[1] ?? '';
  expect((await command('test', id)).out).toContain('"type": "test"');
  await expect.poll(() => receiver.received.length, PATIENT).toBe(1);
  expect((await command('deliveries', '--channel', id)).out).toContain('delivered');
  expect((await command('remove', id)).code).toBe(0);
  expect((await command('remove', id)).err).toContain('CHANNEL_UNKNOWN');
  expect((await command('retry', id)).err).toContain('DELIVERY_UNKNOWN');
  const audit = await lab.call('GET', '/api/v1/audit', undefined, await lab.admin());
  expect(JSON.stringify(audit.body)).not.toMatch(/whsec_|syt_/);
  const { body } = await lab.call(
    'POST',
    '/api/v1/tokens',
    { name: 'l', scopes: ['read'] },
    await lab.admin(),
  );
  const refused = await lab.call('POST', `/api/v1/channels/${id}/test`, undefined, String(body['token']));
  expect(refused.body.error?.code).toBe('FORBIDDEN');
});

describe('a try', () => {
  const fresh = { attempts: 1, created_ms: 0 };
  const failed = { outcome: 'failed', error: 'x', after_ms: 0 } as const;

  test('that failed is repeated later and later, up to a longest pause', () => {
    expect(afterTry(fresh, failed, 0)).toMatchObject({ state: 'waiting', due_ms: RETRY_FIRST_MS });
    expect(afterTry({ ...fresh, attempts: 3 }, failed, 0)).toMatchObject({ due_ms: RETRY_FIRST_MS * 4 });
    expect(afterTry({ ...fresh, attempts: 99 }, failed, 0)).toMatchObject({ due_ms: RETRY_MAX_MS });
    expect(afterTry(fresh, { ...failed, after_ms: 70_000 }, 0)).toMatchObject({ due_ms: 70_000 });
  });

  test('that comes to nothing for a day is the last', () => {
    expect(afterTry(fresh, failed, DELIVERY_LIFE_MS)).toMatchObject({ state: 'dead', error: 'x' });
  });

  test('is an alarm before long', () => {
    const wait_ms = Array.from({ length: FAILURES_MAX }, (_, index) => RETRY_FIRST_MS * 2 ** index);
    expect(wait_ms.reduce((sum, one) => sum + one, 0)).toBeLessThan(60_000);
  });
});

describe('a message', () => {
  const alarm = (index: number, severity: 'critical' | 'warning') => ({
    ...{
      id: String(index),
      kind: 'drift' as const,
      severity,
      subject: `device:${index}`,
      message: `m${index}`,
    },
    ...{ opened_ms: 1, closed_ms: null },
  });
  const many = Array.from({ length: NOTICE_ALARMS_MAX + 7 }, (_, index) => alarm(index, 'warning'));

  test('names so many alarms and counts the others', () => {
    const notice = noticeOf({ opened: many, closed: many }, 'warning', 1);
    expect(notice).toMatchObject({ more: NOTICE_ALARMS_MAX + 14, closed: [] });
    expect(notice && matrixContent(notice)['body']).toContain(`and ${NOTICE_ALARMS_MAX + 14} more`);
  });

  test('is only about what weighs enough, and there is none about nothing', () => {
    expect(noticeOf({ opened: many, closed: [] }, 'critical', 1)).toBeNull();
    const some = noticeOf({ opened: [...many, alarm(99, 'critical')], closed: [] }, 'critical', 1);
    expect(some).toMatchObject({ opened: [{ id: '99' }], more: 0 });
  });
});

import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { SENSOR_TIMEOUT_S } from '../registry/limits.ts';
import { type HttpLab, signedHeader, startHttpLab } from './lab/http-lab.ts';
import { FAILURE_BURST, KEY_BURST } from './limits.ts';

const labs: HttpLab[] = [];
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop();
});

function start(more: { max_bytes?: number } = {}): HttpLab {
  const lab = startHttpLab({ folder: makeFolder('sensor-http'), ...more });
  labs.push(lab);
  return lab;
}

const now_s = () => Math.floor(Date.now() / 1000);
const drift = (more: object = {}) => ({
  ...{ hostname: 'till-1', domain: 'shop.example', drift_type: 'firewall', severity: 'high' },
  ...{ details: { expected: 'running', actual: 'stopped', zone: 'public' }, check_id: '164.312(e)(1)' },
  ...{ detected_at: now_s(), sensor_version: '1.2.3', ...more },
});

test('who names no host, as in HTTP/1.0, is answered like everybody', async () => {
  const lab = start();
  const said = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(lab.url).port), '127.0.0.1', () =>
      socket.write('GET /health HTTP/1.0\r\n\r\n'),
    );
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  expect(said).toMatch(/^HTTP\/1\.[01] 200/);
  expect(said).toContain('"status":"ok"');
  expect(lab.faults).toEqual([]);
});

describe('being let in', () => {
  test('with a code at once; the answer has a key of its own and the intervals', async () => {
    const lab = start();
    const body = {
      hostname: 'till-1',
      os_version: 'Debian 12',
      kernel: '6.1',
      admission_code: await lab.makeCode(),
    };
    const { status, json } = await lab.ask('POST', '/sensor/register', body);
    expect(status).toBe(200);
    expect(json).toEqual({
      ...{
        sensor_id: expect.stringMatching(/^s-[0-9a-f]{16}$/),
        api_key: expect.stringMatching(/^bhs_[\w-]{43}$/),
      },
      ...{ check_interval: 10, heartbeat_interval: 60 },
    });
    expect(lab.registry.list()).toMatchObject([{ os_version: 'Debian 12, 6.1', way: 'http' }]);
    expect(lab.faults).toEqual([]);
  });

  test('by approval: who waits is told so, and comes again with the same claim', async () => {
    const lab = start();
    const body = { hostname: 'till-1', claim: 'ab'.repeat(32) };
    const waiting = await lab.ask('POST', '/sensor/register', body);
    expect(waiting.status).toBe(202);
    expect(waiting.json).toMatchObject({ status: 'waiting', retry_after: 30 });
    const fingerprint = String(waiting.json?.['fingerprint']);
    await lab.admission.approve({ fingerprint, by: 'operator', tier: 'self_heal' });
    expect((await lab.ask('POST', '/sensor/register', body)).status).toBe(200);
  });

  test('an answer that got lost is given again to who has the same claim, with a new key', async () => {
    const lab = start();
    const body = { hostname: 'till-1', claim: 'ab'.repeat(32), admission_code: await lab.makeCode() };
    const [lost, again] = [
      await lab.ask('POST', '/sensor/register', body),
      await lab.ask('POST', '/sensor/register', body),
    ];
    expect(again.json?.['sensor_id']).toBe(lost.json?.['sensor_id']);
    const key = (answer: typeof lost) => ({ authorization: `Bearer ${answer.json?.['api_key']}` });
    expect((await lab.ask('GET', '/sensor/status', undefined, key(lost))).status).toBe(401);
    expect((await lab.ask('GET', '/sensor/status', undefined, key(again))).status).toBe(200);
    expect(lab.evidence).toMatchObject([{ kind: 'sensor.admitted' }]);
  });

  test('a wrong code is refused, and who tries again and again is not listened to', async () => {
    const lab = start();
    const body = { hostname: 'till-1', admission_code: 'WRONG' };
    const tries = [];
    for (let index = 0; index < 4; index += 1) tries.push(await lab.ask('POST', '/sensor/register', body));
    expect(tries.map(({ status }) => status)).toEqual([403, 403, 403, 429]);
    expect(Number(tries[3]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('an address that nothing good comes from has to wait', async () => {
    const lab = start();
    const statuses: number[] = [];
    for (let index = 0; index <= FAILURE_BURST; index += 1)
      statuses.push((await lab.ask('GET', '/sensor/status')).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
  });
});

describe('who sends', () => {
  test('is known by the key or by a signature with it, and by nothing else', async () => {
    const lab = start();
    const sensor = await lab.register();
    const path = '/sensor/heartbeat';
    const body = JSON.stringify({ hostname: 'till-1' });
    expect((await lab.ask('POST', path, body, sensor.bearer)).status).toBe(200);
    const signed = signedHeader(sensor, { method: 'POST', path, body, time_s: now_s() });
    expect((await lab.ask('POST', path, body, signed)).status).toBe(200);
    const again = await lab.ask('POST', path, body, signed);
    expect([again.status, again.json]).toMatchObject([409, { error: { code: 'SENSOR_REPLAYED' } }]);
    const other = JSON.stringify({ hostname: 'till-2' });
    const fresh = signedHeader(sensor, { method: 'POST', path, body, time_s: now_s() });
    const changed = await lab.ask('POST', path, other, fresh);
    expect([changed.status, changed.json]).toMatchObject([401, { error: { code: 'SENSOR_SIGNATURE' } }]);
    for (const headers of [
      {},
      { authorization: 'Bearer bhs_somebody_elses_key' },
      { authorization: 'Basic x' },
    ])
      expect((await lab.ask('POST', path, body, headers)).status).toBe(401);
    expect((await lab.ask('GET', '/sensor/status')).status).toBe(401);
  });

  test('a clock that is off is told the time, and signs by that', async () => {
    const lab = start();
    const sensor = await lab.register();
    lab.clock.ahead_ms = 3_600_000;
    const request = { method: 'GET', path: '/sensor/status', body: '' };
    const { status, json } = await lab.ask(
      'GET',
      request.path,
      undefined,
      signedHeader(sensor, { ...request, time_s: now_s() }),
    );
    expect([status, json]).toMatchObject([401, { error: { code: 'SENSOR_CLOCK' } }]);
    const time_s = Number(json?.['server_time']);
    const again = await lab.ask('GET', request.path, undefined, signedHeader(sensor, { ...request, time_s }));
    expect(again.status).toBe(200);
  });

  test('a clock that is set back shuts nobody out', async () => {
    const lab = start();
    const sensor = await lab.register();
    const request = { method: 'GET', path: '/sensor/status', body: '' };
    const askAt = async (time_s: number) =>
      (await lab.ask('GET', request.path, undefined, signedHeader(sensor, { ...request, time_s }))).status;
    expect(await askAt(now_s())).toBe(200);
    lab.clock.ahead_ms = -3_600_000;
    expect([await askAt(now_s() - 3_600), await askAt(now_s() - 3_600)]).toEqual([200, 200]);
  });

  test('an IPv6 subscriber is one address, whichever of theirs they use', async () => {
    const lab = start();
    const statuses: number[] = [];
    for (let host = 1; host <= FAILURE_BURST + 1; host += 1) {
      const request = new Request('http://appliance/sensor/status');
      statuses.push((await lab.api.handle(request, `2001:db8::${host.toString(16)}`)).status);
    }
    expect(statuses.at(-1)).toBe(429);
  });

  test('who was revoked is refused from then on', async () => {
    const lab = start();
    const { id, bearer } = await lab.register();
    await lab.registry.revoke(id);
    const { status, json } = await lab.ask('GET', '/sensor/status', undefined, bearer);
    expect([status, json]).toMatchObject([403, { error: { code: 'SENSOR_REVOKED' } }]);
  });

  test('keys outlive a restart', async () => {
    const folder = makeFolder('sensor-http');
    const first = startHttpLab({ folder });
    const { bearer } = await first.register();
    await first.stop();
    const second = startHttpLab({ folder });
    labs.push(second);
    expect((await second.ask('GET', '/sensor/status', undefined, bearer)).status).toBe(200);
  });
});

describe('what is told', () => {
  test('a drift opens a finding when it is answered, again is the same event, and its end closes it', async () => {
    const lab = start();
    const { id, bearer } = await lab.register();
    const body = drift();
    const first = await lab.ask('POST', '/api/sensor/drift', body, bearer);
    expect([first.status, first.json]).toMatchObject([200, { received: true, healing_queued: false }]);
    expect(lab.findings.open()).toMatchObject([
      {
        subject: id,
        check_type: 'firewall',
        control: '164.312(e)(1)',
        expected: 'running',
        actual: 'stopped',
      },
    ]);
    const again = await lab.ask('POST', '/api/sensor/drift', body, bearer);
    expect(again.json).toEqual(first.json);
    expect(lab.findings.events({})).toMatchObject([{ metadata: { zone: 'public' } }]);
    const resolved_at = new Date().toISOString();
    const resolved = { hostname: 'till-1', drift_type: 'Firewall', resolved_at, resolved_by: 'admin' };
    const end = await lab.ask('POST', '/api/sensor/resolved', resolved, bearer);
    expect(end.json).toMatchObject({ acknowledged: true });
    expect(lab.findings.open()).toEqual([]);
  });

  test('the same by the one address for events, and what became of a command', async () => {
    const lab = start();
    const { id, bearer } = await lab.register();
    const command = {
      command_id: 'c-1',
      check_type: 'firewall',
      action: 'enable_firewall',
      params: {},
      timeout_s: 60,
    };
    lab.commands.give(id, command);
    const told = await lab.ask('POST', '/sensor/event', { event: 'drift', ...drift() }, bearer);
    expect(told.json).toMatchObject({ received: true, healing_queued: true });
    const heartbeat = await lab.ask(
      'POST',
      '/sensor/heartbeat',
      { hostname: 'till-1', drift_count: 1 },
      bearer,
    );
    expect(heartbeat.json).toMatchObject({
      ...{ status: 'ok', mode: 'self_heal', next_heartbeat_in: 60 },
      commands: [{ command_id: 'c-1', action: 'enable_firewall', timeout_seconds: 60 }],
    });
    const result = {
      ...{ event: 'healing', hostname: 'till-1', command_id: 'c-1', drift_type: 'firewall' },
      ...{ success: true, finished_at: now_s() },
    };
    expect((await lab.ask('POST', '/sensor/event', result, bearer)).status).toBe(200);
    expect(lab.results).toMatchObject([{ sensor: id, success: true }]);
    const resolved = { event: 'resolved', hostname: 'till-1', drift_type: 'firewall', resolved_at: now_s() };
    expect((await lab.ask('POST', '/sensor/event', resolved, bearer)).status).toBe(200);
    expect(lab.findings.open()).toEqual([]);
  });

  test('a shell reads the answer to its heartbeat as words, none of which is anything to a shell', async () => {
    const lab = start();
    const { id, bearer } = await lab.register();
    const params = { unit: 'ssh.service', text: "a b\n'; rm -rf $(x) `y` ~" };
    lab.commands.give(id, {
      command_id: 'c-1',
      check_type: 'services',
      action: 'start_service',
      params,
      timeout_s: 30,
    });
    const headers = { ...bearer, accept: 'text/plain' };
    const { text } = await lab.ask('POST', '/sensor/heartbeat', { hostname: 'till-1' }, headers);
    const [, , , , line = ''] = text.split('\n');
    expect(line.split(' ').slice(0, 6)).toEqual([
      ...['command', 'c-1', 'services', 'start_service', '30', 'unit=ssh.service'],
    ]);
    expect(line).toMatch(/^[\w%=. -]+$/);
    expect(decodeURIComponent(line.split('text=')[1] ?? '')).toBe(params.text);
  });

  test.each([
    ['no JSON', '{', 'JSON'],
    ['a field that is missing', drift({ drift_type: undefined }), 'drift_type'],
    ['a severity that is none', drift({ severity: 'awful' }), 'severity'],
    ['a time that is none', drift({ detected_at: 'yesterday' }), 'detected_at'],
    ['a name of a check that is none', drift({ drift_type: 'fire wall' }), 'drift_type'],
  ])('%s is refused, and the fault is named', async (_, body, word) => {
    const lab = start();
    const { bearer } = await lab.register();
    const { status, json } = await lab.ask('POST', '/api/sensor/drift', body, bearer);
    expect(status).toBe(400);
    expect(json).toMatchObject({ error: { message: expect.stringContaining(word) } });
    expect(lab.findings.events({})).toEqual([]);
    expect(lab.faults).toEqual([]);
  });

  test('details of any kind are taken as far as there is room for them', async () => {
    const lab = start();
    const { bearer } = await lab.register();
    const many = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`field-${index}`, 'x'.repeat(400)]),
    );
    const details = { ...many, nested: { a: [1] }, actual: 7 };
    expect((await lab.ask('POST', '/api/sensor/drift', drift({ details }), bearer)).status).toBe(200);
    expect((await lab.ask('POST', '/api/sensor/drift', drift({ details: 'down' }), bearer)).status).toBe(200);
    expect(lab.findings.events({}).map(({ actual }) => actual)).toEqual(['down', '7']);
  });
});

describe('limits', () => {
  test('a body that is too large is refused, announced or not', async () => {
    const lab = start();
    const { bearer } = await lab.register();
    const large = JSON.stringify(drift({ details: 'x'.repeat(40_000) }));
    expect((await lab.ask('POST', '/api/sensor/drift', large, bearer)).status).toBe(413);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const options = { method: 'POST', headers: { ...bearer, 'transfer-encoding': 'chunked' } };
      const sending = httpRequest(`${lab.url}/api/sensor/drift`, options, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sending.on('error', reject);
      sending.end(large);
    });
    expect(status).toBe(413);
  });

  test('a sensor that sends too much is told when to come again, and others are answered', async () => {
    const lab = start();
    const [loud, calm] = [await lab.register('loud'), await lab.register('calm')];
    const statuses: number[] = [];
    for (let index = 0; index <= KEY_BURST + 30; index += 1)
      statuses.push((await lab.ask('GET', '/sensor/status', undefined, loud.bearer)).status);
    expect(statuses).toContain(429);
    expect((await lab.ask('GET', '/sensor/status', undefined, calm.bearer)).status).toBe(200);
  });

  test('a full store is said, nothing is acknowledged, and there is room again for the next', async () => {
    const lab = start({ max_bytes: 60 * 4_096 });
    const { bearer } = await lab.register();
    const large = lab.store.write((file) => file.run('create table large as select zeroblob(1000000)'));
    await expect(large).rejects.toMatchObject({ code: 'SITE_STORE_FULL' });
    expect((await lab.ask('GET', '/health')).json).toMatchObject({ status: 'full' });
    let refused: string | null = null;
    for (let index = 0; index < KEY_BURST - 10 && refused === null; index += 1) {
      const details = `${index} ${'x'.repeat(2_000)}`;
      const { status, json, headers } = await lab.ask(
        'POST',
        '/api/sensor/drift',
        drift({ details }),
        bearer,
      );
      if (status === 200) continue;
      refused = details;
      expect([status, json]).toMatchObject([507, { error: { code: 'SITE_STORE_FULL' } }]);
      expect(headers.get('retry-after')).toBe('60');
    }
    expect(refused).not.toBeNull();
    expect(lab.findings.events({ limit: 1_000 }).map(({ actual }) => actual)).not.toContain(refused);
    // The oldest events have gone for it.
    expect((await lab.ask('POST', '/api/sensor/drift', drift({ details: 'next' }), bearer)).status).toBe(200);
    expect((await lab.ask('GET', '/health')).json).toMatchObject({ status: 'ok' });
  });
});

describe('looking', () => {
  test('which sensors are live, and which machines nobody reports for', async () => {
    const lab = start();
    const [one, two] = [await lab.register('till-1'), await lab.register('till-2')];
    lab.hosts.push({ hostname: 'printer' }, { hostname: 'TILL-1' });
    await lab.ask('POST', '/sensor/heartbeat', { hostname: 'till-2' }, two.bearer);
    lab.clock.ahead_ms = SENSOR_TIMEOUT_S * 1000 + 1_000;
    await lab.ask('POST', '/api/sensor/heartbeat', { hostname: 'till-1', mode: 'audit' }, one.bearer);
    for (const path of ['/sensor/status', '/api/sensor/status'])
      expect((await lab.ask('GET', path, undefined, one.bearer)).json).toMatchObject({
        ...{ total: 2, active: 1, sensor_timeout_seconds: 120 },
        sensors: [
          { sensor_id: one.id, active: true, mode: 'audit' },
          { sensor_id: two.id, active: false },
        ],
      });
    for (const path of ['/sensor/hosts/polling', '/api/sensor/hosts/polling'])
      expect((await lab.ask('GET', path, undefined, one.bearer)).json).toEqual({
        hosts: [
          { hostname: 'printer', reason: 'no_sensor', last_seen: null },
          { hostname: 'till-2', reason: 'silent', last_seen: expect.any(String) },
        ],
        total: 2,
      });
  });

  test('health and the description are open; the description has every address and how to be known', async () => {
    const lab = start();
    expect((await lab.ask('GET', '/health')).json).toMatchObject({ status: 'ok' });
    const { json } = await lab.ask('GET', '/openapi.json');
    const { paths, components } = json as { paths: Record<string, unknown>; components: unknown };
    expect(Object.keys(paths).sort()).toEqual([
      ...['/api/sensor/drift', '/api/sensor/heartbeat', '/api/sensor/hosts/polling', '/api/sensor/resolved'],
      ...['/api/sensor/status', '/health', '/sensor/event', '/sensor/heartbeat', '/sensor/hosts/polling'],
      ...['/sensor/install.sh', '/sensor/program/{platform}/{version}', '/sensor/register', '/sensor/status'],
      '/sensor/uninstall.sh',
    ]);
    expect(components).toMatchObject({ securitySchemes: { key: {}, signature: {} } });
  });

  test('what is not there is not there', async () => {
    const lab = start();
    const { bearer } = await lab.register();
    expect((await lab.ask('GET', '/sensor/nothing', undefined, bearer)).status).toBe(404);
  });
});

import { beforeAll, describe, expect, test } from 'vitest';
import { readRuleSet } from '../../protocol/healing/rule-set.ts';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';

const backends = openBackends();
const FILE = `
note: services that matter here
rules:
  - id: our-service
    title: the till does not run
    enabled: true
    check_type: services
    platform: linux
    conditions: [{ field: metadata.service, operator: eq, value: till }]
    action: start_service
    params: { service: till }
    priority: 500
    cooldown_s: 300
    retries: 1
    settle_s: 5
    tier: self_heal
switched_off: [bh-linux-time]
`;

describe.each(BACKENDS)('healing rules on %s', (backend) => {
  let lab: CoordinatorLab;
  let admin: string;
  const publish = (file: string, token = admin) => lab.call('POST', '/api/v1/rules', { file }, token);
  beforeAll(async () => {
    const { data, url } = await backends.place(backend);
    lab = await startLab({ data, database_url: url });
    admin = await lab.admin();
  });

  test('are none until they are published', async () => {
    expect(await lab.call('GET', '/agent/rules')).toMatchObject({
      status: 404,
      body: { error: { code: 'RULES_NONE' } },
    });
  });

  test('are signed with the key of orders, rise in version, and are fetched by anybody', async () => {
    expect(await publish(FILE)).toMatchObject({
      status: 200,
      body: {
        version: 1,
        rules: ['our-service'],
        switched_off: ['bh-linux-time'],
        published_by: 'user:admin',
      },
    });
    expect(await publish('rules: []')).toMatchObject({ body: { version: 2, rules: [], note: '' } });
    const { body } = await lab.call('GET', '/agent/rules');
    const device = await approvedDevice(lab);
    const keys = (await device.enrol()).body['order_keys'] as { key_id: string; public_key: string }[];
    const trusted = keys.map(({ key_id, public_key }): [string, Uint8Array] => [
      key_id,
      Uint8Array.from(Buffer.from(public_key, 'base64')),
    ]);
    const read = readRuleSet(body, new Map(trusted));
    expect(read).toMatchObject({ set: { version: 2, rules: [] } });
    const { body: list } = await lab.call('GET', '/api/v1/rules', undefined, admin);
    expect(list['rule_sets']).toMatchObject([
      { version: 2 },
      { version: 1, note: 'services that matter here' },
    ]);
  });

  test('with a mistake are refused with its place, and nothing is published', async () => {
    const { body: before } = await lab.call('GET', '/api/v1/rules', undefined, admin);
    expect(await publish(FILE.replace('start_service', 'run_shell'))).toMatchObject({
      status: 400,
      body: {
        error: { code: 'HEALING_RULES_INVALID', message: expect.stringMatching(/our-service.*run_shell/) },
      },
    });
    expect((await lab.call('GET', '/api/v1/rules', undefined, admin)).body).toEqual(before);
  });

  test('are published by who may change the fleet, and by nobody else', async () => {
    const { body } = await lab.call('POST', '/api/v1/users', { name: 'ada', role: 'viewer' }, admin);
    const { body: session } = await lab.call('POST', '/api/v1/session', { code: body['code'] });
    expect(await publish(FILE, String(session['token']))).toMatchObject({ status: 403 });
    expect(await lab.call('POST', '/api/v1/rules', { file: FILE })).toMatchObject({ status: 401 });
  });
});

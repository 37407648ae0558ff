import { describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';
import type { DeviceRow } from '../database/tables.ts';
import { COHORT_LOOKED_MAX } from '../limits.ts';
import { matchesQuery } from '../rollouts/cohort/match-query.ts';
import { parseQuery } from '../rollouts/cohort/parse-query.ts';
import { readFleet } from '../rollouts/run/read-fleet.ts';
import { cohortPage } from './find.ts';

const backends = openBackends();

describe.each(BACKENDS)('finding appliances on %s', (backend) => {
  const lab = async () => {
    const { data, url } = await backends.place(backend);
    return await startLab({ data, database_url: url });
  };

  test('case does not matter, and a percent sign is one', async () => {
    const own = await lab();
    await approvedDevice(own, { hostname: 'Bulkhead-100%', serial: 'abc!_1' });
    await approvedDevice(own, { hostname: 'bulkhead-1000', serial: 'ABCX1' });
    const found = async (search: string) => {
      const { body } = await own.call(
        'GET',
        `/api/v1/devices?search=${encodeURIComponent(search)}`,
        undefined,
        await own.admin(),
      );
      return (body['devices'] as { hostname: string }[]).map(({ hostname }) => hostname);
    };
    expect(await found('BULKHEAD')).toHaveLength(2);
    expect(await found('100%')).toEqual(['Bulkhead-100%']);
    expect(await found('C!_1')).toEqual(['Bulkhead-100%']);
    expect(await found('abc')).toHaveLength(2);
  });

  test('pages of a search and of a query have every appliance once', async () => {
    const own = await lab();
    for (let index = 0; index < 5; index += 1) await approvedDevice(own, { hostname: `bulkhead-${index}` });
    for (const how of ['search=bulkhead', 'cohort=hardware+eq+"hp-t640"']) {
      const seen: string[] = [];
      for (let next: unknown = ''; next !== null; ) {
        const after = next === '' ? '' : `&after=${next}`;
        const { body } = await own.call(
          'GET',
          `/api/v1/devices?limit=2&${how}${after}`,
          undefined,
          await own.admin(),
        );
        seen.push(...(body['devices'] as { hostname: string }[]).map(({ hostname }) => hostname));
        next = body['next'];
      }
      expect(seen).toEqual(['bulkhead-0', 'bulkhead-1', 'bulkhead-2', 'bulkhead-3', 'bulkhead-4']);
    }
  });

  test('a query asks about facts that were reported', async () => {
    const own = await lab();
    await approvedDevice(own, { hostname: 'bulkhead-silent' });
    const { body } = await own.call(
      'GET',
      '/api/v1/devices?cohort=not+fact.kernel+exists',
      undefined,
      await own.admin(),
    );
    expect(body['devices']).toHaveLength(1);
    const wrong = await own.call(
      'GET',
      '/api/v1/devices?cohort=fact.kernel+is',
      undefined,
      await own.admin(),
    );
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: 'COHORT_QUERY_INVALID' } } });
  });
});

test('of a large fleet a query looks at a part, and says where the next part begins', async () => {
  const { database, backend } = await backends.open('sqlite');
  const ids = Array.from({ length: COHORT_LOOKED_MAX + 500 }, (_, index) => String(index).padStart(36, '0'));
  await database.transaction().execute(async (work) => {
    for (let from = 0; from < ids.length; from += 500)
      await work
        .insertInto('devices')
        .values(ids.slice(from, from + 500).map((id) => seeded(id, id === ids.at(-1) ? 'wanted' : 'other')))
        .execute();
  });
  const wanted = parseQuery('tag.site eq "wanted"');
  const first = await cohortPage({ database, backend }, { state: 'approved', limit: 50 }, wanted);
  expect(first).toEqual({ ids: [], next: ids[COHORT_LOOKED_MAX - 1] });
  const after = first.next ?? undefined;
  const second = await cohortPage({ database, backend }, { state: 'approved', limit: 50, after }, wanted);
  expect(second).toEqual({ ids: [ids.at(-1)], next: null });
});

test.each([
  ['fact.memory_gib eq 8', true],
  ['fact.interfaces contains "eth0"', true],
  ['fact.tpm_present eq true and not fact.kernel exists', true],
  ['version eq "1.0.0" and tag.site eq "berlin"', true],
  ['fact.memory_gib lt 8', false],
])('%s means here what it means to a rollout: %s', async (query, expected) => {
  const { database, backend } = await backends.open('sqlite');
  const id = '1'.padStart(36, '0');
  const said = {
    memory_bytes: 8 * 2 ** 30,
    tpm_present: true,
    kernel: null,
    network_interfaces: [{ name: 'eth0' }],
  };
  const state = {
    digest: '',
    fingerprint: JSON.stringify(said),
    reason: 'boot',
    observed_ms: 0,
    received_ms: 0,
  };
  await database.insertInto('devices').values(seeded(id, 'berlin')).execute();
  await database
    .insertInto('device_states')
    .values({ device_id: id, ...state })
    .execute();
  const cohort = parseQuery(query);
  const { ids } = await cohortPage({ database, backend }, { state: 'approved', limit: 50 }, cohort);
  const fleet = await database
    .transaction()
    .execute((work) => readFleet(work, { rollout_id: id, cohort, at_ms: 0 }));
  const taken = [...fleet.values()].filter((appliance) => matchesQuery(cohort, appliance));
  expect(ids.length === 1).toBe(expected);
  expect(taken.map((appliance) => appliance.id)).toEqual(ids);
});

function seeded(id: string, site: string): DeviceRow {
  return {
    ...{
      id,
      state: 'approved',
      key_id: id,
      name: null,
      hostname: 'bulkhead',
      serial: null,
      product_uuid: null,
    },
    ...{ mac: null, hardware: 'hp-t640', agent_version: '1.0.0', image_version: '1.0.0', code: null },
    ...{ tags: JSON.stringify({ site }), code_expires_ms: null, conflicts: '[]', enrolment_code_id: null },
    ...{ replaced_by: null, created_ms: 0, decided_ms: 0, decided_by: 'user:ada' },
  };
}

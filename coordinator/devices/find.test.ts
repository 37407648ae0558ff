import { describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';

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

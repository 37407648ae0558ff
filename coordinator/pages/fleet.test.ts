import { describe, expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, Device } from '../../test/coordinator/device.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';

describe('the fleet', () => {
  const lab = (async () => {
    const made = await startLab();
    const berlin = await approvedDevice(made, { hostname: 'bulkhead-berlin', serial: '8CG1' });
    await berlin.heartbeat();
    const paris = await approvedDevice(made, { hostname: 'bulkhead-paris' });
    await made.call(
      'PATCH',
      `/api/v1/devices/${berlin.id}`,
      { name: 'Reception <b>', tags: { site: 'berlin' } },
      await made.admin(),
    );
    await made.call('PATCH', `/api/v1/devices/${paris.id}`, { tags: { site: 'paris' } }, await made.admin());
    await new Device(made).enrol({ hostname: 'bulkhead-new' });
    return { made, visitor: new Visitor(made, await made.admin()) };
  })();

  test('shows who is in and whether it is there, whatever it calls itself', async () => {
    const { html } = await (await lab).visitor.see('/');
    expect(html).toContain('Reception &lt;b&gt;');
    expect(html).not.toContain('Reception <b>');
    expect(html).toMatch(/class="chip good">online</);
    expect(html).toMatch(/class="chip plain">never</);
    expect(html).toContain('approved (2)');
    expect(html).not.toContain('bulkhead-new');
    expect((await (await lab).visitor.see('/?state=pending')).html).toContain('bulkhead-new');
  });

  test.each([
    ['search=8cg', 'bulkhead-berlin', 'bulkhead-paris'],
    ['search=PARIS', 'bulkhead-paris', 'bulkhead-berlin'],
    ['cohort=tag.site+eq+"paris"', 'bulkhead-paris', 'bulkhead-berlin'],
    ['cohort=not+tag.site+eq+"paris"', 'bulkhead-berlin', 'bulkhead-paris'],
  ])('%s finds %s and not %s', async (query, found, not) => {
    const { html } = await (await lab).visitor.see(`/?${query}`);
    expect(html).toContain(found);
    expect(html).not.toContain(not);
  });

  test('tells where a query is wrong and finds nothing meanwhile', async () => {
    const { status, html } = await (await lab).visitor.see('/?cohort=tag.site+is+"paris"');
    expect(status).toBe(200);
    expect(html).toContain('COHORT_QUERY_INVALID');
    expect(html).toContain('value="tag.site is &#34;paris&#34;"');
    expect(html).not.toContain('bulkhead-paris');
  });

  test('the API finds the same', async () => {
    const { made } = await lab;
    const { body } = await made.call(
      'GET',
      '/api/v1/devices?cohort=tag.site+eq+"paris"',
      undefined,
      await made.admin(),
    );
    expect(body).toMatchObject({ devices: [{ hostname: 'bulkhead-paris' }], next: null });
    const first = await made.call('GET', '/api/v1/devices?limit=1', undefined, await made.admin());
    const [only] = first.body['devices'] as { id: string }[];
    expect(first.body['next']).toBe(only?.id);
  });
});

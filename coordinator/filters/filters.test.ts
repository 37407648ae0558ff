import { beforeAll, describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { FILTERS_MAX } from './limits.ts';

const backends = openBackends();

describe.each(BACKENDS)('saved filters on %s', (backend) => {
  let lab: CoordinatorLab;
  let admin: string;
  let viewer: string;
  const save = (token: string, body: object) =>
    lab.call('POST', '/api/v1/filters', { state: 'approved', search: null, cohort: null, ...body }, token);
  const names = async (token: string) =>
    ((await lab.call('GET', '/api/v1/filters', undefined, token)).body['filters'] as { name: string }[]).map(
      ({ name }) => name,
    );
  beforeAll(async () => {
    const { data, url } = await backends.place(backend);
    lab = await startLab({ data, database_url: url });
    admin = await lab.admin();
    const { body } = await lab.call('POST', '/api/v1/users', { name: 'ada', role: 'viewer' }, admin);
    viewer = String((await lab.call('POST', '/api/v1/session', { code: body['code'] })).body['token']);
  });

  test('a filter is seen by whose it is, and by everyone only when it is shared', async () => {
    await save(admin, { name: 'mine', search: 'berlin' });
    await save(admin, { name: 'for all', shared: true, cohort: 'tag.site eq "berlin"' });
    await save(viewer, { name: 'of a viewer', search: 'paris' });
    expect(await names(admin)).toEqual(['for all', 'mine']);
    expect(await names(viewer)).toEqual(['for all', 'of a viewer']);
  });

  test('who only looks shares nothing, and takes away nothing of others', async () => {
    expect(await save(viewer, { name: 'x', shared: true })).toMatchObject({ status: 403 });
    const { body } = await lab.call('GET', '/api/v1/filters', undefined, admin);
    const filters = body['filters'] as { id: string; name: string }[];
    const idOf = (name: string) => filters.find((filter) => filter.name === name)?.id;
    const remove = (name: string, token: string) =>
      lab.call('DELETE', `/api/v1/filters/${idOf(name)}`, undefined, token);
    expect(await remove('for all', viewer)).toMatchObject({ status: 403 });
    expect(await remove('mine', viewer)).toMatchObject({
      status: 404,
      body: { error: { code: 'FILTER_UNKNOWN' } },
    });
    expect((await remove('mine', admin)).status).toBe(204);
    expect(await names(admin)).toEqual(['for all']);
  });

  test('the same name of the same person is the same filter; a query that is none is refused', async () => {
    const first = await save(viewer, { name: 'site', search: 'a' });
    const second = await save(viewer, { name: 'site', search: 'b' });
    expect(second.body).toMatchObject({ id: first.body['id'], search: 'b' });
    expect(await save(viewer, { name: 'wrong', cohort: 'tag.site is' })).toMatchObject({
      status: 400,
      body: { error: { code: 'COHORT_QUERY_INVALID' } },
    });
  });

  test('one person has so many and no more', async () => {
    const had = (await names(viewer)).length - 1;
    for (let count = had; count < FILTERS_MAX; count += 1)
      expect((await save(viewer, { name: `n${count}`, search: 'x' })).status).toBe(200);
    expect(await save(viewer, { name: 'one more', search: 'x' })).toMatchObject({
      status: 409,
      body: { error: { code: 'FILTERS_TOO_MANY' } },
    });
  });

  test('the page saves what it shows, leads to it, and takes it away', async () => {
    await approvedDevice(lab, { hostname: 'bulkhead-berlin' });
    const visitor = new Visitor(lab, admin);
    const shown = { state: 'approved', search: 'berlin', cohort: '' };
    const fields = { act: 'save_filter', name: 'Berlin <b>', ...shown };
    const saved = await visitor.send('/?state=approved&search=berlin', fields);
    expect(saved.location).toBe('/?state=approved&search=berlin&done=filter_saved');
    const { html } = await visitor.see('/');
    expect(html).toContain('href="/?state=approved&search=berlin"');
    expect(html).toContain('Berlin &lt;b&gt;');
    const id = /name="id" value="([0-9a-f-]{36})".*?Berlin/s.exec(html)?.[1] ?? '';
    const gone = await visitor.send('/', { act: 'remove_filter', id });
    expect(gone.location).toBe('/?done=filter_removed');
    expect((await visitor.see('/')).html).not.toContain('Berlin');
    const { body } = await lab.call('GET', '/api/v1/audit', undefined, admin);
    expect(JSON.stringify(body)).toContain('filter.remove');
  });
});

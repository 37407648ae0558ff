import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';
import { TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { installLab, OLD, rootOf } from '../../test/unit/install-lab.ts';

const box = installLab();
const DELTA = `.from-${rootOf(OLD).slice(0, 16)}`;
const file = (name: string, suffix = '') => new Blob([readFileSync(box.bundleFile(name) + suffix)]);

describe('releases on the page', () => {
  let lab: CoordinatorLab;
  let visitor: Visitor;
  beforeAll(async () => {
    lab = await startLab();
    visitor = new Visitor(lab, await lab.admin());
    await approvedDevice(lab, { image_version: '1.0.0' });
  });

  test('nothing is taken before somebody has said whose releases are', async () => {
    expect((await visitor.see('/releases/new')).html).toContain('trusts keys');
    const { status, html } = await visitor.sendFiles('/releases/keys', { act: 'set' }, [
      ['keys', 'keyset.json', new Blob(['[]'])],
    ]);
    expect(status).toBe(400);
    expect(html).toContain('RELEASE_KEYS_REFUSED');
    const set = await visitor.sendFiles('/releases/keys', { act: 'set' }, [
      ['keys', 'keyset.json', new Blob([Buffer.from(TEST_KEYS_FILE)])],
    ]);
    expect(set.location).toContain('done=keys_set');
    expect((await visitor.see('/releases/keys')).html).toContain('release');
  });

  test('a form brings a bundle with what lies beside it, and a release is there', async () => {
    await box.full('new');
    await box.delta('new');
    await box.blocks('new');
    const fields = { act: 'publish', channel: 'stable', notes: 'better <b>', floors: '' };
    const published = await visitor.sendFiles('/releases/new', fields, [
      ['bundle', 'new.bundle', file('new')],
      ['beside', `new.bundle${DELTA}`, file('new', DELTA)],
      ['beside', 'new.bundle.blocks', file('new', '.blocks')],
    ]);
    expect(published.location).toMatch(/^\/releases\/[0-9a-f-]{36}\?done=release_published$/);
    const { html } = await visitor.see(published.location ?? '');
    for (const words of [
      'Release 1.1.0',
      'better &lt;b&gt;',
      'Delta from 1.0.0',
      'Single blocks',
      'by delta',
    ])
      expect(html).toContain(words);
    expect((await visitor.see('/releases')).html).toContain('1.1.0');
  });

  test('what is no bundle is refused with its reason, and what was filled in stands there still', async () => {
    const fields = { act: 'publish', channel: 'beta', notes: 'again', floors: '' };
    const none = await visitor.sendFiles('/releases/new', fields, [
      ['bundle', 'x', new Blob(['x'.repeat(5000)])],
    ]);
    expect(none.status).toBe(400);
    expect(none.html).toContain('ARTIFACT_KIND');
    expect(none.html).toContain('value="beta"');
    await box.full('new');
    const twice = await visitor.sendFiles('/releases/new', fields, [['bundle', 'new.bundle', file('new')]]);
    expect(twice.status).toBe(409);
    expect(twice.html).toContain('RELEASE_EXISTS');
    const empty = await visitor.sendFiles('/releases/new', fields, [['bundle', '', new Blob([])]]);
    expect(empty.html).toContain('Choose the file');
    expect(await lab.call('GET', '/api/v1/releases', undefined, await lab.admin())).toMatchObject({
      body: { releases: [{ version: '1.1.0' }] },
    });
  });

  test('a form of another session, and one of nobody, change nothing', async () => {
    const body = new FormData();
    body.append('form_token', 'of somebody else');
    body.append('act', 'publish');
    body.append('bundle', new Blob(['x'.repeat(300_000)]), 'new.bundle');
    const { status, html } = await visitor.postForm('/releases/new', body);
    expect(status).toBe(403);
    expect(html).toContain('FORM_STALE');
    const stranger = await new Visitor(lab).postForm('/releases/new', body);
    expect(stranger.location).toBe('/sign-in');
  });

  test('a release is withdrawn with a reason, after it was said what that means', async () => {
    const { body } = await lab.call('GET', '/api/v1/releases', undefined, await lab.admin());
    const [release] = body['releases'] as { id: string }[];
    const path = `/releases/${release?.id}`;
    expect((await visitor.see(path)).html).toContain(
      '0 rollouts of it that have not ended will be cancelled',
    );
    const without = await visitor.send(path, { act: 'withdraw', reason: '' });
    expect(without.status).toBe(400);
    const done = await visitor.send(path, { act: 'withdraw', reason: 'bad disk driver' });
    expect(done.location).toContain('done=release_withdrawn');
    const { html } = await visitor.see(path);
    expect(html).toContain('by user:admin: bad disk driver');
    expect(html).not.toContain('Withdraw the release');
  });

  test('who only looks is offered nothing to change', async () => {
    const { body } = await lab.call(
      'POST',
      '/api/v1/users',
      { name: 'ada', role: 'viewer' },
      await lab.admin(),
    );
    const session = await lab.call('POST', '/api/v1/session', { code: body['code'] });
    const viewer = new Visitor(lab, String(session.body['token']));
    expect((await viewer.see('/releases')).html).not.toContain('Publish a release');
    expect((await viewer.see('/releases/new')).status).toBe(403);
    const keys = await viewer.sendFiles('/releases/keys', { act: 'set' }, [['keys', 'k', new Blob(['[]'])]]);
    expect(keys.status).toBe(403);
  });
});

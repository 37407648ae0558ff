import { expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';

const lab = startLab();
const visitor = (async () => new Visitor(await lab, await (await lab).admin()))();

test('a password is taken when it was typed twice, and signs in from then on', async () => {
  const page = await visitor;
  const twice = await page.send('/settings', {
    act: 'password',
    new_password: 'long enough 1',
    again: 'another one 2',
  });
  expect(twice.status).toBe(400);
  expect(twice.html).toContain('not the same');
  const short = await page.send('/settings', { act: 'password', new_password: 'short', again: 'short' });
  expect(short.html).toContain('PASSWORD_TOO_SHORT');
  const password = ' long enough 1';
  expect(
    await page.send('/settings', { act: 'password', new_password: password, again: password }),
  ).toMatchObject({
    location: '/settings?done=password',
  });
  const again = new Visitor(await lab);
  expect((await again.post('/sign-in', { name: 'admin', password, to: '/settings' })).location).toBe(
    '/settings',
  );
});

test('a token is shown once, works, and works no more when it is revoked', async () => {
  const page = await visitor;
  const made = await page.send('/settings', {
    act: 'create_token',
    token_name: 'ci',
    scopes: 'read',
    days: '7',
  });
  const token = /bht_[\w-]+/.exec(made.html)?.[0] ?? '';
  expect((await (await lab).call('GET', '/api/v1/me', undefined, token)).body).toMatchObject({
    scopes: ['read'],
  });
  const { html } = await page.see('/settings');
  expect(html).not.toContain(token);
  const id = /name="id" value="([\w-]+)"/.exec(html)?.[1] ?? '';
  expect((await page.send('/settings', { act: 'revoke_token', id })).location).toBe(
    '/settings?done=token_revoked',
  );
  expect((await (await lab).call('GET', '/api/v1/me', undefined, token)).status).toBe(401);
});

test('what was filled in is still there when it is refused', async () => {
  const refused = await (await visitor).send('/settings', {
    act: 'create_token',
    token_name: 'no good',
    scopes: 'read',
  });
  expect(refused.status).toBe(400);
  expect(refused.html).toContain('REQUEST_INVALID');
  expect(refused.html).toContain('value="no good"');
});

test('a page does what it names and nothing else', async () => {
  const refused = await (await visitor).send('/settings', { act: 'constructor' });
  expect(refused).toMatchObject({ status: 400 });
});

test('a token is for programs: a page wants a person', async () => {
  const session = await (await lab).admin();
  const { body } = await (await lab).call(
    'POST',
    '/api/v1/tokens',
    { name: 'page', scopes: ['read'] },
    session,
  );
  const page = await fetch(`${(await lab).url}/`, {
    headers: { authorization: `Bearer ${body['token']}` },
    redirect: 'manual',
  });
  expect(page.status).toBe(303);
});

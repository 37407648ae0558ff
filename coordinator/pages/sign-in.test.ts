import { describe, expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { API_BURST } from '../limits.ts';
import { ownPath } from './respond.ts';

describe('signing in on the page', () => {
  const lab = startLab();

  test('who is not signed in is led to the sign-in, and from there to where they wanted to go', async () => {
    const visitor = new Visitor(await lab);
    expect(await visitor.see('/?state=pending')).toMatchObject({ status: 303 });
    const { location } = await visitor.see('/?search=a%26b');
    expect(location).toBe('/sign-in?to=%2F%3Fsearch%3Da%2526b');
    expect((await visitor.see(String(location))).html).toContain('value="/?search=a%26b"');
  });

  test('a code in the address is filled in, and not used by looking at it', async () => {
    const own = await startLab();
    const code = own.firstSignIn?.code ?? '';
    const visitor = new Visitor(own);
    for (const _ of [1, 2])
      expect((await visitor.see(`/sign-in?code=${code}`)).html).toContain(`value="${code}"`);
    const done = await visitor.post('/sign-in', { code });
    expect(done).toMatchObject({ status: 303, location: '/settings?done=signed_in_by_code' });
    expect(done.headers.get('set-cookie')).toMatch(
      /^bulkhead_session=bhs_[\w-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/,
    );
    expect((await visitor.see('/')).status).toBe(200);
  });

  test('behind TLS the cookie is sent over TLS alone', async () => {
    const own = await startLab();
    const visitor = new Visitor(own);
    const { headers } = await visitor.post(
      '/sign-in',
      { code: own.firstSignIn?.code ?? '' },
      { 'x-forwarded-proto': 'https' },
    );
    expect(headers.get('set-cookie')).toMatch(/; Secure$/);
  });

  test('what is wrong is told on the page, with its code, and the name stays filled in', async () => {
    const { status, html } = await new Visitor(await lab).post('/sign-in', {
      name: 'ada<',
      password: 'wrong',
    });
    expect(status).toBe(401);
    expect(html).toContain('SIGN_IN_FAILED');
    expect(html).toContain('value="ada<"');
    expect(html).not.toContain('wrong"');
  });

  test('signing out ends the session, not only the cookie', async () => {
    const visitor = new Visitor(await lab, await (await lab).admin());
    const { cookie } = visitor;
    const { html } = await visitor.see('/');
    const form_token = /name="form_token" value="(\w+)"/.exec(html)?.[1] ?? '';
    expect(await visitor.post('/sign-out', { form_token })).toMatchObject({
      location: '/sign-in?done=signed_out',
    });
    visitor.cookie = cookie;
    expect((await visitor.see('/')).location).toBe('/sign-in?to=%2F');
  });
});

describe('forms', () => {
  test('from elsewhere are refused: by the browser they come with, and by the token they cannot know', async () => {
    const lab = await startLab();
    const visitor = new Visitor(lab, await lab.admin());
    const elsewhere = await visitor.send('/', {}, { 'sec-fetch-site': 'cross-site' });
    expect(elsewhere).toMatchObject({ status: 403 });
    const signOut = await visitor.send('/sign-out', {}, { 'sec-fetch-site': 'cross-site' });
    expect(signOut.status).toBe(403);
    expect(signOut.html).toContain('CROSS_SITE');
    const guessed = await visitor.post('/sign-out', { form_token: '0'.repeat(64) });
    expect(guessed.status).toBe(403);
    expect(guessed.html).toContain('FORM_STALE');
    expect((await visitor.see('/')).status).toBe(200);
  });

  test('an answer runs nothing but our own script and loads nothing from elsewhere', async () => {
    const lab = await startLab();
    const { headers, html } = await new Visitor(lab, await lab.admin()).see('/');
    const policy = headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(html).not.toMatch(
      /<script(?! type="module" src="\/assets\/[\w.]+"><\/script>)|\son\w+=|style="|https?:\/\//,
    );
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('one address may ask for so many pages at once', async () => {
    const lab = await startLab();
    const visitor = new Visitor(lab);
    const answers = await Promise.all(Array.from({ length: API_BURST * 2 }, () => visitor.see('/sign-in')));
    const refused = answers.find(({ status }) => status === 429);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused?.html).toContain('TOO_MANY_REQUESTS');
  });
});

test('an address where nothing is gets a page when a person asks, and JSON when a program does', async () => {
  const lab = await startLab();
  const page = await new Visitor(lab).see('/nowhere');
  expect(page.status).toBe(404);
  expect(page.html).toContain('<code>ROUTE_UNKNOWN</code>');
  expect((await new Visitor(lab).see('/api/v1/nowhere')).headers.get('content-type')).toContain('json');
});

test.each([
  ['/orders?dead=true', '/orders?dead=true'],
  ['//evil.example/', '/'],
  ['/\\evil.example/', '/'],
  ['https://evil.example/', '/'],
  ['/\t/evil.example', '/'],
  [undefined, '/'],
])('%s leads to %s', (given, expected) => {
  expect(ownPath(given)).toBe(expected);
});

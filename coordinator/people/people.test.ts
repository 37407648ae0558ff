import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { ADDRESS_FAILURES_MAX, FIRST_SIGN_IN_MS, LOCK_FIRST_MS, LOCK_MAX_MS, SESSION_MS } from '../limits.ts';
import { addressSubject, afterFailure, type Failures, lockedFor_ms } from './lockout.ts';

const PASSWORD = 'a good long password';
const signIn = { name: 'admin', password: PASSWORD };

describe('the first administrator', () => {
  test('signs in with the code that was printed, once, and chooses a password', async () => {
    const lab = await startLab();
    const code = lab.firstSignIn?.code;
    const first = await lab.call('POST', '/api/v1/session', { code, new_password: PASSWORD });
    expect(first).toMatchObject({ status: 200, body: { name: 'admin', role: 'admin' } });
    expect(first.headers.get('set-cookie')).toMatch(/^bulkhead_session=bhs_.*HttpOnly; SameSite=Strict$/);
    const again = await lab.call('POST', '/api/v1/session', { code });
    expect(again).toMatchObject({ status: 401, body: { error: { code: 'SIGN_IN_FAILED' } } });
    expect((await lab.call('POST', '/api/v1/session', signIn)).status).toBe(200);
  });

  test('has an hour for it', async () => {
    const lab = await startLab();
    lab.wait(FIRST_SIGN_IN_MS + 1);
    expect((await lab.call('POST', '/api/v1/session', { code: lab.firstSignIn?.code })).status).toBe(401);
  });

  test('can type the code as it was read', async () => {
    const lab = await startLab();
    const code = lab.firstSignIn?.code.toLowerCase().replaceAll('-', ' ');
    expect((await lab.call('POST', '/api/v1/session', { code })).status).toBe(200);
  });
});

describe('a session', () => {
  test('ends by itself, and when its owner signs out', async () => {
    const lab = await startLab();
    const token = await lab.admin();
    expect((await lab.call('GET', '/api/v1/me', undefined, token)).status).toBe(200);
    const other = await lab.call('GET', '/api/v1/me', undefined, `${token.slice(0, -1)}x`);
    expect(other).toMatchObject({ status: 401, body: { error: { code: 'UNAUTHENTICATED' } } });
    lab.wait(SESSION_MS);
    expect((await lab.call('GET', '/api/v1/me', undefined, token)).status).toBe(401);
  });

  test('signs out', async () => {
    const lab = await startLab();
    const token = await lab.admin();
    expect((await lab.call('DELETE', '/api/v1/session', undefined, token)).status).toBe(204);
    expect((await lab.call('GET', '/api/v1/me', undefined, token)).status).toBe(401);
  });

  test('in a cookie does nothing for a page of somebody else', async () => {
    const lab = await startLab();
    const cookie = `bulkhead_session=${await lab.admin()}`;
    const put = (headers: Record<string, string>) =>
      fetch(`${lab.url}/api/v1/me/password`, {
        ...{ method: 'PUT', body: JSON.stringify({ password: PASSWORD }) },
        headers: { cookie, 'content-type': 'application/json', ...headers },
      });
    expect((await put({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await put({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await put({})).status).toBe(403);
    expect((await put({ 'sec-fetch-site': 'same-origin' })).status).toBe(204);
    expect((await put({ origin: lab.url })).status).toBe(204);
  });
});

describe('roles and tokens', () => {
  const lab = startLab();
  const newcomer = async (name: string, role: string) => {
    const added = await (await lab).call('POST', '/api/v1/users', { name, role }, await (await lab).admin());
    const session = await (await lab).call('POST', '/api/v1/session', { code: added.body['code'] });
    return { id: String(added.body['id']), token: String(session.body['token']) };
  };

  test('a viewer looks and does nothing else', async () => {
    const { token } = await newcomer('vera', 'viewer');
    const { call } = await lab;
    expect(await call('GET', '/api/v1/me', undefined, token)).toMatchObject({
      status: 200,
      body: { scopes: ['read'] },
    });
    for (const path of ['/api/v1/users', '/api/v1/audit', '/api/v1/audit/export'])
      expect(await call('GET', path, undefined, token), path).toMatchObject({ status: 403 });
    expect((await call('POST', '/api/v1/users', { name: 'x', role: 'admin' }, token)).status).toBe(403);
  });

  test('a token has no scope that its maker has not, and ends when revoked', async () => {
    const { token } = await newcomer('otto', 'operator');
    const { call } = await lab;
    const more = await call('POST', '/api/v1/tokens', { name: 'ci', scopes: ['read', 'admin'] }, token);
    expect(more).toMatchObject({ status: 403, body: { error: { code: 'FORBIDDEN' } } });
    const made = await call('POST', '/api/v1/tokens', { name: 'ci', scopes: ['read'] }, token);
    const api = String(made.body['token']);
    expect(await call('GET', '/api/v1/me', undefined, api)).toMatchObject({ body: { scopes: ['read'] } });
    expect((await call('GET', '/api/v1/audit', undefined, api)).status).toBe(403);
    expect((await call('PUT', '/api/v1/me/password', { password: PASSWORD }, api)).status).toBe(403);
    const listed = await call('GET', '/api/v1/tokens', undefined, token);
    expect(JSON.stringify(listed.body)).not.toContain(api);
    expect((await call('DELETE', `/api/v1/tokens/${made.body['id']}`, undefined, token)).status).toBe(204);
    expect((await call('GET', '/api/v1/me', undefined, api)).status).toBe(401);
  });

  test('a token loses what its owner loses', async () => {
    const { id, token } = await newcomer('olga', 'operator');
    const { call, admin } = await lab;
    const made = await call('POST', '/api/v1/tokens', { name: 'ci', scopes: ['read', 'audit'] }, token);
    const api = String(made.body['token']);
    expect((await call('GET', '/api/v1/audit', undefined, api)).status).toBe(200);
    await call('PATCH', `/api/v1/users/${id}`, { role: 'viewer' }, await admin());
    expect((await call('GET', '/api/v1/audit', undefined, api)).status).toBe(403);
    await call('PATCH', `/api/v1/users/${id}`, { disabled: true }, await admin());
    expect((await call('GET', '/api/v1/me', undefined, api)).status).toBe(401);
    expect((await call('GET', '/api/v1/me', undefined, token)).status).toBe(401);
  });

  test('the last administrator stays, a name is given once', async () => {
    const { call, admin } = await lab;
    const { body } = await call('GET', '/api/v1/users', undefined, await admin());
    const [first] = body['users'] as { id: string }[];
    const gone = await call('PATCH', `/api/v1/users/${first?.id}`, { role: 'viewer' }, await admin());
    expect(gone).toMatchObject({ status: 409, body: { error: { code: 'USER_LAST_ADMIN' } } });
    const twice = await call('POST', '/api/v1/users', { name: 'admin', role: 'viewer' }, await admin());
    expect(twice).toMatchObject({ status: 409, body: { error: { code: 'USER_EXISTS' } } });
  });

  test('all of it is in the audit log, whose chain is whole', async () => {
    const { call, admin } = await lab;
    const token = await admin();
    const { body } = await call('GET', '/api/v1/audit?limit=500', undefined, token);
    const actions = (body['entries'] as { action: string }[]).map(({ action }) => action);
    for (const action of ['sign_in', 'user.add', 'user.change', 'token.create', 'token.revoke'])
      expect(actions).toContain(action);
    expect(JSON.stringify(body)).not.toMatch(/bh[st]_/);
    expect((await call('GET', '/api/v1/audit/verify', undefined, token)).body).toMatchObject({
      intact: true,
    });
  });
});

describe('an address that fails', () => {
  test('is locked out after three failures, told for how long, and let in again', async () => {
    const lab = await startLab();
    const token = await lab.admin();
    await lab.call('PUT', '/api/v1/me/password', { password: PASSWORD }, token);
    const wrong = () => lab.call('POST', '/api/v1/session', { name: 'admin', password: 'wrong' });
    for (let count = 0; count < ADDRESS_FAILURES_MAX; count += 1) expect((await wrong()).status).toBe(401);
    const locked = await lab.call('POST', '/api/v1/session', signIn);
    expect(locked).toMatchObject({ status: 429, body: { error: { code: 'SIGN_IN_LOCKED' } } });
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0);
    lab.wait(LOCK_FIRST_MS);
    expect((await lab.call('POST', '/api/v1/session', signIn)).status).toBe(200);
  });

  test('that tries a lot at once has no more tries for it', async () => {
    const lab = await startLab();
    const tries = Array.from({ length: 25 }, () =>
      lab.call('POST', '/api/v1/session', { name: 'admin', password: 'wrong' }),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(ADDRESS_FAILURES_MAX);
    expect(statuses.filter((status) => status === 429)).toHaveLength(25 - ADDRESS_FAILURES_MAX);
  });

  test('waits longer with every failure, and never longer than the most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), (count) => {
        let state: Failures | undefined;
        let before_ms = 0;
        for (let failure = 1; failure <= count; failure += 1) {
          state = afterFailure('address', state, 1000);
          const wait_ms = lockedFor_ms(state, 1000);
          expect(wait_ms).toBeGreaterThanOrEqual(before_ms);
          expect(wait_ms).toBeLessThanOrEqual(LOCK_MAX_MS);
          expect(wait_ms > 0).toBe(failure >= ADDRESS_FAILURES_MAX);
          before_ms = wait_ms;
        }
      }),
    );
  });

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s counts as %s', (address, subject) => expect(addressSubject(address)).toBe(subject));
});

import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, readAnswer, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { ruleFor, type Service } from '../builds/project-schema.ts';
import { REQUEST_BODY_MAX_BYTES } from '../limits.ts';
import { WEBHOOK_BODY_MAX_BYTES, WEBHOOK_FAILURE_BURST } from './limits.ts';
import { readEvent } from './read-event.ts';
import { isGenuine } from './verify.ts';

const backends = openBackends();
const COMMIT = 'c'.repeat(40);
const bytes = (text: string) => new TextEncoder().encode(text);
const fields = (given: Record<string, string>) => (name: string) => given[name] ?? null;
const hmac = (secret: string, body: string) => createHmac('sha256', secret).update(body).digest('hex');

describe('a signature', () => {
  test('of GitHub is taken as in the example of its documentation', () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    const check = (given: string, body = 'Hello, World!') =>
      isGenuine(
        'github',
        "It's a Secret to Everybody",
        fields({ 'x-hub-signature-256': given }),
        bytes(body),
      );
    expect(check(signature)).toBe(true);
    expect(check(signature.replace('7', '8'))).toBe(false);
    expect(check(signature.slice('sha256='.length))).toBe(false);
    expect(check(signature, 'Hello, World?')).toBe(false);
  });

  test.each<[Service, string, (secret: string, body: string) => string]>([
    ['github', 'x-hub-signature-256', (secret, body) => `sha256=${hmac(secret, body)}`],
    ['gitea', 'x-gitea-signature', hmac],
    ['gitlab', 'x-gitlab-token', (secret) => secret],
  ])('of %s is taken with the right secret alone, and missing is wrong', (service, field, sign) => {
    const check = (given: Record<string, string>) => isGenuine(service, 'right', fields(given), bytes('{}'));
    expect(check({ [field]: sign('right', '{}') })).toBe(true);
    expect(check({ [field]: sign('wrong', '{}') })).toBe(false);
    expect(check({ [field]: '' })).toBe(false);
    expect(check({})).toBe(false);
    for (const other of ['x-hub-signature-256', 'x-gitea-signature', 'x-gitlab-token'])
      if (other !== field) expect(check({ [other]: sign('right', '{}') }), other).toBe(false);
  });
});

describe('an event', () => {
  const push = { ref: 'refs/heads/main', after: COMMIT };
  const read = (service: Service, field: Record<string, string>, body: unknown) =>
    readEvent(service, fields(field), bytes(JSON.stringify(body)));
  const github = (body: unknown, event = 'push') =>
    read('github', { 'x-github-event': event, 'x-github-delivery': 'd1' }, body);

  test('of each service becomes the same push', () => {
    const expected = { push: { ref: 'refs/heads/main', commit_sha: COMMIT }, reason: null };
    expect(github(push)).toEqual({ ...expected, delivery: 'd1', event: 'push' });
    const gitlab = { 'x-gitlab-event': 'Push Hook', 'idempotency-key': 'k', 'x-gitlab-event-uuid': 'u' };
    expect(read('gitlab', gitlab, { ...push, checkout_sha: COMMIT })).toMatchObject({
      ...expected,
      delivery: 'k',
    });
    const gitea = { 'x-gitea-event': 'push', 'x-gitea-delivery': 'g' };
    expect(read('gitea', gitea, push)).toMatchObject({ ...expected, delivery: 'g' });
  });

  test('about an annotated tag names its commit', () => {
    const tag = { ref: 'refs/tags/v1', after: 'a'.repeat(40), head_commit: { id: COMMIT } };
    expect(github(tag).push?.commit_sha).toBe(COMMIT);
    const gitlab = { 'x-gitlab-event': 'Tag Push Hook', 'x-gitlab-event-uuid': 'u' };
    const tagged = { ref: 'refs/tags/v1', after: 'a'.repeat(40), checkout_sha: COMMIT };
    expect(read('gitlab', gitlab, tagged)).toMatchObject({ delivery: 'u', push: { commit_sha: COMMIT } });
  });

  test.each([
    ['that is no push', { zen: 'x' }, 'ping', "'ping' is no push"],
    ['about a deleted branch', { ...push, after: '0'.repeat(40) }, 'push', 'refs/heads/main was deleted'],
    [
      'with a strange ref',
      { ...push, ref: 'refs/heads/--upload-pack=x' },
      'push',
      'the name of the ref is unusual',
    ],
    [
      'with a ref that climbs',
      { ...push, ref: 'refs/heads/a/../../x' },
      'push',
      'the name of the ref is unusual',
    ],
  ])('%s builds nothing, and says why', (_, body, event, reason) => {
    expect(github(body, event)).toMatchObject({ push: null, reason });
  });

  test.each([
    ['no JSON', 'payload=%7B%7D'],
    ['no push', '{"ref":5}'],
    ['no commit', JSON.stringify({ ...push, after: 'HEAD' })],
  ])('with %s is refused', (_, body) => {
    const field = fields({ 'x-github-event': 'push', 'x-github-delivery': 'd' });
    expect(() => readEvent('github', field, bytes(body))).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    );
  });

  test('without a name of its delivery is known again by its body', () => {
    const field = { 'x-gitlab-event': 'Push Hook' };
    const [first, again] = [read('gitlab', field, push), read('gitlab', field, push)];
    expect(first.delivery).toBe(again.delivery);
    expect(read('gitlab', field, { ...push, after: 'd'.repeat(40) }).delivery).not.toBe(first.delivery);
  });
});

describe('a rule', () => {
  const fits = (pattern: string, ref: string) =>
    ruleFor([{ ref: pattern, channel: 'edge', command: 'x' }], ref) !== undefined;

  test.each([
    ['refs/heads/main', 'refs/heads/main', true],
    ['refs/heads/main', 'refs/heads/main2', false],
    ['refs/tags/v*', 'refs/tags/v1.2.0', true],
    ['refs/tags/v*', 'refs/heads/v1', false],
    ['refs/heads/*', 'refs/heads/a/b', true],
    ['refs/heads/release-*-final', 'refs/heads/release-1-final', true],
    ['refs/heads/release-*-final', 'refs/heads/release-final', false],
    ['refs/tags/*.*', 'refs/tags/v1', false],
    ['refs/tags/v.', 'refs/tags/vx', false],
  ])('%s is about %s: %s', (pattern, ref, expected) => {
    expect(fits(pattern, ref)).toBe(expected);
  });

  test('fits what its stars are filled with', () => {
    const part = fc.stringMatching(/^[a-z./-]{0,5}$/);
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.array(part, { minLength: 4, maxLength: 4 }),
        (parts, fill) => {
          const ref = parts
            .map((text, index) => text + (index < parts.length - 1 ? (fill[index] ?? '') : ''))
            .join('');
          expect(fits(parts.join('*'), ref)).toBe(true);
        },
      ),
    );
  });
});

interface Project {
  id: string;
  secret: string;
}

async function addProject(lab: CoordinatorLab, changed: object = {}): Promise<Project> {
  const { status, body } = await lab.call(
    ...(['POST', '/api/v1/projects'] as const),
    {
      ...{ name: 'image', service: 'github', repository: 'https://git.example/image.git' },
      rules: [{ ref: 'refs/heads/main', channel: 'edge', command: 'npm run bundle' }],
      ...changed,
    },
    await lab.admin(),
  );
  expect(status, JSON.stringify(body)).toBe(200);
  return { id: (body['project'] as { id: string }).id, secret: String(body['secret']) };
}

async function tell(lab: CoordinatorLab, { id, secret }: Project, delivery: string, payload: unknown) {
  const body = JSON.stringify(payload);
  const headers = {
    ...{ 'content-type': 'application/json', 'x-github-event': 'push', 'x-github-delivery': delivery },
    'x-hub-signature-256': `sha256=${hmac(secret, body)}`,
  };
  return await readAnswer(await fetch(`${lab.url}/webhooks/${id}`, { method: 'POST', headers, body }));
}

const PUSH = {
  ref: 'refs/heads/main',
  after: COMMIT,
  repository: { clone_url: 'https://evil.example/x.git' },
};

describe.each(BACKENDS)('on %s', (backend) => {
  test('a push is answered 202 and queued once, however often it is told and at how many places', async () => {
    const { data, url } = await backends.place(backend);
    const lab = await startLab({ data, database_url: url });
    const project = await addProject(lab);
    const first = await tell(lab, project, 'd1', PUSH);
    expect(first).toMatchObject({ status: 202, body: { outcome: 'queued', reason: null } });
    const again = await Promise.all(Array.from({ length: 5 }, () => tell(lab, project, 'd1', PUSH)));
    for (const answer of again)
      expect(answer).toMatchObject({
        status: 202,
        body: { outcome: 'repeated', job_id: first.body['job_id'], event: first.body['event'] },
      });
    const together = await Promise.all(Array.from({ length: 5 }, () => tell(lab, project, 'd2', PUSH)));
    expect(together.filter(({ body }) => body['outcome'] === 'queued')).toHaveLength(1);
    const other = { ...PUSH, ref: 'refs/heads/other' };
    expect((await tell(lab, project, 'd3', other)).body).toMatchObject({
      ...{ outcome: 'ignored', job_id: null, reason: 'no rule is about refs/heads/other' },
    });
    const { body } = await lab.call('GET', '/api/v1/jobs', undefined, await lab.admin());
    expect(body['jobs']).toMatchObject([
      { project: 'image' },
      {
        ...{ id: first.body['job_id'], ref: 'refs/heads/main', commit_sha: COMMIT, channel: 'edge' },
        // Of the project, not of what the webhook says.
        ...{ repository: 'https://git.example/image.git', command: 'npm run bundle', state: 'queued' },
        created_by: 'webhook:image',
      },
    ]);
    const events = await lab.call(
      'GET',
      `/api/v1/projects/${project.id}/events`,
      undefined,
      await lab.admin(),
    );
    expect(events.body['events']).toMatchObject([
      { outcome: 'ignored' },
      { delivery: 'd2' },
      { delivery: 'd1' },
    ]);
  });
});

test('who has not the secret hears the same whether there is such a project or not, and has to wait after many tries', async () => {
  const lab = await startLab();
  const project = await addProject(lab);
  const wrong = await tell(lab, { ...project, secret: 'wrong' }, 'd', PUSH);
  const nobody = await tell(lab, { id: '00000000-0000-7000-8000-000000000000', secret: 'x' }, 'd', PUSH);
  expect([wrong.status, wrong.body]).toEqual([nobody.status, nobody.body]);
  expect(wrong).toMatchObject({ status: 401, body: { error: { code: 'WEBHOOK_UNVERIFIED' } } });
  for (let count = 2; count < WEBHOOK_FAILURE_BURST; count += 1)
    await tell(lab, { ...project, secret: 'wrong' }, 'd', PUSH);
  expect((await tell(lab, project, 'd', PUSH)).body.error?.code).toBe('TOO_MANY_REQUESTS');
  lab.wait(60_000);
  expect((await tell(lab, project, 'd', PUSH)).status).toBe(202);
});

test('another secret is in force at once', async () => {
  const lab = await startLab();
  const project = await addProject(lab);
  const path = `/api/v1/projects/${project.id}/secret`;
  const { body } = await lab.call('POST', path, undefined, await lab.admin());
  expect((await tell(lab, project, 'd', PUSH)).status).toBe(401);
  expect((await tell(lab, { ...project, secret: String(body['secret']) }, 'd', PUSH)).status).toBe(202);
  const shown = await lab.call('GET', `/api/v1/projects/${project.id}`, undefined, await lab.admin());
  expect(JSON.stringify(shown.body)).not.toContain(String(body['secret']));
});

test('a push with many commits is taken, one beyond every measure is not', async () => {
  const lab = await startLab();
  const project = await addProject(lab);
  const commits = 'x'.repeat(REQUEST_BODY_MAX_BYTES * 4);
  expect((await tell(lab, project, 'd1', { ...PUSH, commits })).status).toBe(202);
  const more = 'x'.repeat(WEBHOOK_BODY_MAX_BYTES);
  expect((await tell(lab, project, 'd2', { ...PUSH, commits: more })).status).toBe(413);
});

test.each([
  ['a repository with a password', { repository: 'https://a:b@git.example/x.git' }, 'PROJECT_REPOSITORY'],
  ['a repository that is an option', { repository: '--upload-pack=x' }, 'REQUEST_INVALID'],
  ['no rule', { rules: [] }, 'REQUEST_INVALID'],
  ['a service that nobody knows', { service: 'cvs' }, 'REQUEST_INVALID'],
])('a project with %s is refused', async (_, changed, code) => {
  const lab = await startLab();
  const wanted = {
    ...{ name: 'image', service: 'github', repository: 'https://git.example/image.git' },
    rules: [{ ref: 'refs/heads/main', channel: 'edge', command: 'x' }],
    ...changed,
  };
  const { body } = await lab.call('POST', '/api/v1/projects', wanted, await lab.admin());
  expect(body.error?.code).toBe(code);
});

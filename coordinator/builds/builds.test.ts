import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab, stopLabs } from '../../test/coordinator/coordinator-lab.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { runProgram } from '../program.ts';
import { JOB_ATTEMPTS_MAX, JOB_LEASE_MS, JOB_LOG_MAX, JOB_OVERTIME_MS, JOB_WAIT_MAX_MS } from './limits.ts';

const backends = openBackends();
const PATIENT = { timeout: 15_000 };
// They look again and again; those of tests that are over would slow the others down.
afterEach(stopLabs);
const COMMIT = 'c'.repeat(40);

interface Job {
  id: string;
  state: string;
  attempt: number;
  worker: string | null;
  code: string | null;
}

const start = ({ data, url }: { data: string; url?: string | undefined }) =>
  startLab({ data, database_url: url, sweep_interval_ms: 50, alarm_interval_ms: 50 });

/** What operators and workers ask of one coordinator. */
async function operate(lab: CoordinatorLab) {
  const admin = await lab.admin();
  const { body } = await lab.call('POST', '/api/v1/tokens', { name: 'w', scopes: ['build'] }, admin);
  const token = String(body['token']);
  const made = await lab.call(
    ...(['POST', '/api/v1/projects'] as const),
    {
      ...{ name: `image-${Math.random().toString(36).slice(2)}`, service: 'gitea' },
      ...{ repository: 'https://git.example/image.git', timeout_s: 600 },
      rules: [{ ref: 'refs/heads/*', channel: 'edge', command: 'make' }],
    },
    admin,
  );
  const project = (made.body['project'] as { id: string }).id;
  return {
    project,
    token,
    build: async () =>
      (
        await lab.call(
          'POST',
          `/api/v1/projects/${project}/builds`,
          { ref: 'refs/heads/main', commit: COMMIT },
          admin,
        )
      ).body as unknown as Job,
    claim: async (worker: string) =>
      (await lab.call('POST', '/api/v1/jobs/claim', { worker }, token)).body['job'] as Job | null,
    /** `lease`, `log`, `end`. */
    say: (what: string, { id, attempt }: Job, more: object = {}) =>
      lab.call('POST', `/api/v1/jobs/${id}/${what}`, { attempt, ...more }, token),
    show: async (id: string) =>
      (await lab.call('GET', `/api/v1/jobs/${id}`, undefined, admin)).body as unknown as Job & {
        log: { attempt: number; text: string }[];
      },
    act: (what: string, id: string) => lab.call('POST', `/api/v1/jobs/${id}/${what}`, undefined, admin),
    alarms: async () => {
      const { body } = await lab.call('GET', '/api/v1/alarms', undefined, admin);
      return (body['alarms'] as { kind: string }[]).map(({ kind }) => kind);
    },
  };
}

describe.each(BACKENDS)('on %s', (backend) => {
  test('a build goes to one worker, who tells its log in pieces and its end', async () => {
    const fleet = await operate(await start(await backends.place(backend)));
    const { id } = await fleet.build();
    const claims = await Promise.all(['a', 'b', 'c', 'd'].map((worker) => fleet.claim(worker)));
    const [job, ...others] = claims.filter((one) => one !== null);
    expect(others).toEqual([]);
    if (!job) throw new Error('nobody got it');
    expect(job).toMatchObject({ id, state: 'running', attempt: 1 });
    expect((await fleet.say('log', job, { offset: 0, text: 'one\n' })).status).toBe(204);
    expect((await fleet.say('log', job, { offset: 4, text: 'two\n' })).status).toBe(204);
    // Again, because the answer was lost.
    expect((await fleet.say('log', job, { offset: 4, text: 'two\n' })).status).toBe(204);
    const end = { state: 'succeeded', message: 'release 1.0.0' };
    expect((await fleet.say('end', job, end)).status).toBe(204);
    expect((await fleet.say('end', job, end)).status).toBe(204);
    expect((await fleet.say('end', job, { state: 'failed' })).body.error?.code).toBe('JOB_TAKEN');
    expect(await fleet.show(id)).toMatchObject({
      ...{ state: 'succeeded', message: 'release 1.0.0', log: [{ attempt: 1, text: 'one\ntwo\n' }] },
    });
    expect(await fleet.claim('a')).toBeNull();
  });

  test('a worker that is not heard of any more loses its build to another one', async () => {
    const lab = await start(await backends.place(backend));
    const fleet = await operate(lab);
    const { id } = await fleet.build();
    const first = await fleet.claim('first');
    if (!first) throw new Error('there is no build');
    lab.wait(JOB_LEASE_MS / 2);
    expect((await fleet.say('lease', first)).status).toBe(200);
    lab.wait(JOB_LEASE_MS / 2 + 1000);
    await Bun.sleep(100);
    expect(await fleet.show(id)).toMatchObject({ state: 'running', worker: 'first' });
    lab.wait(JOB_LEASE_MS);
    await expect.poll(async () => (await fleet.show(id)).state, PATIENT).toBe('queued');
    const second = await fleet.claim('second');
    expect(second).toMatchObject({ id, attempt: 2 });
    for (const [what, more] of [
      ['lease', {}],
      ['log', { offset: 0, text: 'x' }],
      ['end', { state: 'succeeded' }],
    ] as const)
      expect((await fleet.say(what, first, more)).body.error?.code, what).toBe('JOB_TAKEN');
    expect((await fleet.show(id)).log).toEqual([]);
  });

  test('a build that every worker is lost with fails, and that is an alarm until one works', async () => {
    const lab = await start(await backends.place(backend));
    const fleet = await operate(lab);
    const { id } = await fleet.build();
    for (let attempt = 1; attempt <= JOB_ATTEMPTS_MAX; attempt += 1) {
      await expect.poll(async () => (await fleet.claim('lost'))?.attempt, PATIENT).toBe(attempt);
      lab.wait(JOB_LEASE_MS);
    }
    await expect.poll(async () => (await fleet.show(id)).code, PATIENT).toBe('JOB_LOST');
    await expect.poll(fleet.alarms, PATIENT).toEqual(['job_failed']);
    const { body } = await fleet.act('repeat', id);
    const again = await fleet.claim('good');
    expect(again?.id).toBe(String(body['id']));
    if (again) await fleet.say('end', again, { state: 'succeeded' });
    await expect.poll(fleet.alarms, PATIENT).toEqual([]);
  });

  test('a build that nobody takes, and one that does not end, are stuck', async () => {
    const lab = await start(await backends.place(backend));
    const fleet = await operate(lab);
    await fleet.build();
    lab.wait(JOB_WAIT_MAX_MS + 1000);
    await expect.poll(fleet.alarms, PATIENT).toEqual(['job_stuck']);
    const job = await fleet.claim('slow');
    await expect.poll(fleet.alarms, PATIENT).toEqual([]);
    if (!job) throw new Error('there is no build');
    const until_ms = lab.now_ms() + 600_000 + JOB_OVERTIME_MS;
    while (lab.now_ms() <= until_ms) {
      lab.wait(JOB_LEASE_MS * 0.9);
      await fleet.say('lease', job);
    }
    await expect.poll(fleet.alarms, PATIENT).toEqual(['job_stuck']);
  });
});

test('a build that is taken back is taken from its worker', async () => {
  const fleet = await operate(await start(await backends.place('sqlite')));
  const { id } = await fleet.build();
  const job = await fleet.claim('a');
  expect((await fleet.act('cancel', id)).status).toBe(204);
  expect(job && (await fleet.say('lease', job)).body.error?.code).toBe('JOB_TAKEN');
  expect((await fleet.act('cancel', id)).body.error?.code).toBe('JOB_ENDED');
  const [open] = [await fleet.build()];
  expect((await fleet.act('repeat', open.id)).body.error?.code).toBe('JOB_OPEN');
  expect((await fleet.act('repeat', id.replace(/^./, 'f'))).body.error?.code).toBe('JOB_UNKNOWN');
});

test('a log has an end', async () => {
  const fleet = await operate(await start(await backends.place('sqlite')));
  await fleet.build();
  const job = await fleet.claim('a');
  const answer = job && (await fleet.say('log', job, { offset: JOB_LOG_MAX, text: 'x' }));
  expect(answer?.body.error?.code).toBe('JOB_LOG_FULL');
});

test('a worker does what workers do, and nothing else', async () => {
  const lab = await start(await backends.place('sqlite'));
  const { token, project } = await operate(lab);
  for (const [method, path, body] of [
    ['GET', '/api/v1/jobs', undefined],
    ['DELETE', `/api/v1/projects/${project}`, undefined],
    ['POST', `/api/v1/projects/${project}/builds`, { ref: 'refs/heads/main', commit: COMMIT }],
    ['POST', '/api/v1/orders', { device_id: project, type: 'reboot', parameters: {} }],
  ] as const)
    expect((await lab.call(method, path, body, token)).body.error?.code, path).toBe('FORBIDDEN');
});

test('two coordinators on one PostgreSQL give each build to one worker', async () => {
  const place = await backends.place('postgres');
  const [one, other] = [await operate(await start(place)), await operate(await start(place))];
  for (let count = 0; count < 6; count += 1) await one.build();
  const claimed: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    const both = await Promise.all([one.claim('a'), other.claim('b')]);
    claimed.push(...both.flatMap((job) => (job ? [job.id] : [])));
  }
  expect(claimed).toHaveLength(6);
  expect(new Set(claimed).size).toBe(6);
});

test('people see builds and set projects up on the page and from the command line', async () => {
  const lab = await start(await backends.place('sqlite'));
  const page = new Visitor(lab, await lab.admin());
  const form = {
    ...{ act: 'add', name: 'image', service: 'gitea', repository: 'https://git.example/image.git' },
    ...{ ref: 'refs/heads/main', channel: 'edge', command: 'make bundle' },
  };
  const added = await page.send('/projects', form);
  const secret = /class="secret">([\w-]{43})</.exec(added.html)?.[1] ?? '';
  expect(secret).not.toBe('');
  expect((await page.send('/projects', form)).html).toContain('PROJECT_EXISTS');
  expect((await page.see('/projects')).html).not.toContain(secret);

  const folder = makeFolder('builds');
  await Bun.write(join(folder, 'token'), await lab.admin());
  const command = async (...args: string[]) => {
    const said = { out: '', err: '', code: 0 };
    await runProgram([...args, '--server', lab.url, '--token-file', join(folder, 'token')], {
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
      setExitCode: (code) => (said.code = code),
    });
    return said;
  };
  const id =
    /^(\S+) +image +gitea +refs\/heads\/main=edge/m.exec((await command('project', 'list')).out)?.[1] ?? '';
  const rules = join(folder, 'rules.json');
  await Bun.write(
    rules,
    JSON.stringify([{ ref: 'refs/tags/v*', channel: 'stable', command: 'make release' }]),
  );
  const changed = await command('project', 'change', id, 'image', 'gitea', form.repository, '--rules', rules);
  expect(changed.out).toContain('refs/tags/v*');
  expect((await command('project', 'add', 'x', 'gitea', form.repository)).err).toContain('PROJECT_RULES');
  expect((await command('project', 'build', id, 'refs/heads/main', COMMIT)).err).toContain('JOB_NO_RULE');
  const built = JSON.parse((await command('project', 'build', id, 'refs/tags/v1', COMMIT)).out) as Job;
  expect((await command('job', 'list', '--state', 'queued')).out).toContain('refs/tags/v1');
  expect((await command('project', 'events', id)).out).toBe('none\n');
  expect((await page.see('/builds?board=queued')).html).toContain('for stable');
  expect((await page.send(`/builds/${built.id}`, { act: 'cancel' })).location).toContain(
    'done=build_cancelled',
  );
  const again = await page.send(`/builds/${built.id}`, { act: 'repeat' });
  expect(again.location).toContain('done=build_queued');
  const { token } = { token: await lab.admin() };
  const { body } = await lab.call('POST', '/api/v1/jobs/claim', { worker: 'w' }, token);
  const job = body['job'] as Job;
  await lab.call('POST', `/api/v1/jobs/${job.id}/log`, { attempt: 1, offset: 0, text: 'a <b>\n' }, token);
  const end = { attempt: 1, state: 'failed', code: 'BUILD_FAILED', message: 'ended with 2' };
  await lab.call('POST', `/api/v1/jobs/${job.id}/end`, end, token);
  const shown = (await page.see(`/builds/${job.id}`)).html;
  expect(shown).toContain('a &lt;b&gt;');
  expect(shown).toContain('BUILD_FAILED: ended with 2');
  expect((await command('job', 'log', job.id)).out).toBe('a <b>\n');
  expect((await command('job', 'show', job.id)).out).not.toContain('"log"');
  const metrics = String((await lab.call('GET', '/metrics')).body['text']);
  expect(metrics).toContain('jobs_ended_total{state="failed"} 1');
  expect(metrics).toContain('job_duration_seconds_count 1');
  expect((await page.send('/projects', { act: 'remove', id })).location).toContain('done=project_removed');
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getLogger } from '@logtape/logtape';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { type CoordinatorLab, startLab, stopLabs } from '../../test/coordinator/coordinator-lab.ts';
import { TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { JOB_LEASE_MS, JOB_LOG_MAX } from '../builds/limits.ts';
import { openApi } from '../client/api.ts';
import { openJobLog } from './job-log.ts';
import { LOG_PIECE_CHARS } from './limits.ts';
import { runCommand } from './run-command.ts';
import { work } from './work.ts';

const box = installLab();
const PATIENT = { timeout: 19_000 };
const folder = makeFolder('worker');
const repository = join(folder, 'repository');
let commit = '';

beforeAll(async () => {
  const git = async (...args: string[]) => (await runOrThrow(run, 'git', ['-C', repository, ...args])).trim();
  await runOrThrow(run, 'git', ['init', '-q', '-b', 'main', repository]);
  await Bun.write(
    join(repository, 'build.sh'),
    'echo built from $BULKHEAD_REF\ncp "$BUNDLE" "$BULKHEAD_OUTPUT/x.bundle"\n',
  );
  await git('add', '.');
  await git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-q', '-m', 'one');
  commit = await git('rev-parse', 'HEAD');
});
afterEach(stopLabs);

interface Job {
  id: string;
  state: string;
  code: string | null;
  message: string | null;
  release_id: string | null;
  log: { attempt: number; text: string }[];
}

/** A coordinator with one project, and workers that build for it. */
async function workshop(command: string, timeout_s = 600) {
  const lab: CoordinatorLab = await startLab({ release_keys: TEST_KEYS_FILE, sweep_interval_ms: 50 });
  const admin = await lab.admin();
  const made = await lab.call(
    ...(['POST', '/api/v1/projects'] as const),
    {
      ...{ name: 'image', service: 'gitea', repository: `file://${repository}`, timeout_s },
      rules: [{ ref: 'refs/heads/main', channel: 'edge', command }],
    },
    admin,
  );
  const project = (made.body['project'] as { id: string }).id;
  const { body } = await lab.call(
    'POST',
    '/api/v1/tokens',
    { name: 'w', scopes: ['build', 'release', 'read'] },
    admin,
  );
  const api = openApi({ server: lab.url }, { BULKHEAD_TOKEN: String(body['token']) });
  return {
    lab,
    build: async (commit_sha = commit) => {
      const path = `/api/v1/projects/${project}/builds`;
      const { body } = await lab.call('POST', path, { ref: 'refs/heads/main', commit: commit_sha }, admin);
      return String(body['id']);
    },
    show: async (id: string) =>
      (await lab.call('GET', `/api/v1/jobs/${id}`, undefined, admin)).body as unknown as Job,
    act: (what: string, id: string) => lab.call('POST', `/api/v1/jobs/${id}/${what}`, undefined, admin),
    releases: async () => (await lab.call('GET', '/api/v1/releases', undefined, admin)).body['releases'],
    work: (name: string, more: { lease_ask_ms?: number; stop?: AbortSignal } = {}) =>
      work({
        ...{ api, name, folder: join(folder, 'builds'), log: getLogger(['lab']), once: true },
        environment: { PATH: process.env['PATH'] ?? '', HOME: folder, BUNDLE: box.bundleFile('new') },
        ...{ stop: new AbortController().signal, log_interval_ms: 20, ...more },
      }),
  };
}

const leftovers = () => readdirSync(join(folder, 'builds'));

/** Whether a process is there and is no zombie. */
function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

describe('a worker', () => {
  test('builds a commit in a fresh folder, publishes the bundle in its channel and leaves nothing behind', async () => {
    await box.full('new');
    const shop = await workshop('sh build.sh');
    const id = await shop.build();
    await shop.work('one');
    const job = await shop.show(id);
    expect(job).toMatchObject({ state: 'succeeded', message: 'release 1.1.0' });
    expect(job.log[0]?.text).toContain('built from refs/heads/main\n');
    expect(await shop.releases()).toMatchObject([
      { id: job.release_id, version: '1.1.0', channel: 'edge', created_by: 'token:admin/w' },
    ]);
    expect(leftovers()).toEqual([]);
    // The same bytes again are the same release.
    const again = await shop.build();
    await shop.work('one');
    expect(await shop.show(again)).toMatchObject({ state: 'succeeded', release_id: job.release_id });
    await shop.work('one');
  });

  test.each([
    ['a command that fails', 'echo oh no >&2; exit 3', undefined, 'BUILD_FAILED', 'the command ended with 3'],
    ['no bundle', 'true', undefined, 'BUILD_NO_BUNDLE', 'the command left 0 bundles, and one is needed'],
    [
      'a commit that is not there',
      'true',
      'd'.repeat(40),
      'BUILD_CHECKOUT',
      'fetching the commit ended with',
    ],
  ])('tells of %s', async (_, command, sha, code, message) => {
    const shop = await workshop(command);
    const id = await shop.build(sha);
    await shop.work('one');
    const job = await shop.show(id);
    expect(job).toMatchObject({ state: 'failed', code, message: expect.stringContaining(message) });
    expect(job.log[0]?.text).toContain(code);
    if (code === 'BUILD_FAILED') expect(job.log[0]?.text).toContain('oh no\n');
    expect(leftovers()).toEqual([]);
  });

  test('stops when the build is taken back, with everything that it started', async () => {
    const pid = join(folder, 'pid');
    const shop = await workshop(`sleep 1000 & echo $! > ${pid}; wait`);
    const id = await shop.build();
    const working = shop.work('one', { lease_ask_ms: 50 });
    await expect.poll(() => existsSync(pid) && readFileSync(pid, 'utf8') !== '', PATIENT).toBe(true);
    await shop.act('cancel', id);
    await working;
    await expect.poll(() => isAlive(Number(readFileSync(pid, 'utf8'))), PATIENT).toBe(false);
    expect((await shop.show(id)).state).toBe('cancelled');
    expect(leftovers()).toEqual([]);
  });

  test('that was not heard of loses its build to another one, and does not end it', async () => {
    await box.full('new');
    const gate = join(folder, 'gate');
    const shop = await workshop(`until [ -e ${gate} ]; do sleep 0.1; done; sh build.sh`);
    const id = await shop.build();
    // It does not say that it is at it.
    const first = shop.work('first', { lease_ask_ms: 1e9 });
    await expect.poll(async () => (await shop.show(id)).state, PATIENT).toBe('running');
    shop.lab.wait(JOB_LEASE_MS);
    await expect.poll(async () => (await shop.show(id)).state, PATIENT).toBe('queued');
    const second = shop.work('second');
    await expect.poll(async () => (await shop.show(id)).state, PATIENT).toBe('running');
    await Bun.write(gate, '');
    await Promise.all([first, second]);
    expect(await shop.show(id)).toMatchObject({ state: 'succeeded', attempt: 2, message: 'release 1.1.0' });
    expect(await shop.releases()).toHaveLength(1);
  });

  test('that is told to go kills what it builds', async () => {
    const pid = join(folder, 'pid-of-stopped');
    const shop = await workshop(`echo $$ > ${pid}; sleep 1000`);
    const id = await shop.build();
    const stopping = new AbortController();
    const working = shop.work('one', { stop: stopping.signal });
    await expect.poll(() => existsSync(pid) && readFileSync(pid, 'utf8') !== '', PATIENT).toBe(true);
    stopping.abort();
    await working;
    await expect.poll(() => isAlive(Number(readFileSync(pid, 'utf8'))), PATIENT).toBe(false);
    expect((await shop.show(id)).state).toBe('running');
  });
});

describe('a command', () => {
  const start = (command: string, timeout_ms: number) => {
    let said = '';
    const ended = runCommand(command, {
      ...{ folder, environment: { PATH: process.env['PATH'] ?? '' }, timeout_ms },
      stop: new AbortController().signal,
      onText: (text) => {
        said += text;
      },
    });
    return ended.then((end) => ({ end, said }));
  };

  test('that takes too long is ended with its whole group, those that do not want to included', async () => {
    const { end, said } = await start(`trap '' TERM; (trap '' TERM; sleep 1000) & echo $!; wait`, 300);
    expect(end).toEqual({ how: 'timeout', code: null });
    await expect.poll(() => isAlive(Number(said)), PATIENT).toBe(false);
  });

  test('leaves nothing running in the background', async () => {
    const { end, said } = await start('sleep 1000 & echo $!', 10_000);
    expect(end).toEqual({ how: 'exited', code: 0 });
    await expect.poll(() => isAlive(Number(said)), PATIENT).toBe(false);
  });

  test('sees nothing of the environment but what it is given', async () => {
    const { said } = await start('env | cut -d= -f1 | sort | tr "\\n" " "', 10_000);
    expect(said.split(' ').filter((name) => !['', '_', 'PWD', 'SHLVL', 'OLDPWD'].includes(name))).toEqual([
      'PATH',
    ]);
  });
});

describe('a log', () => {
  test('arrives in pieces that fit together, in order, with characters whole', async () => {
    const pieces: { offset: number; text: string }[] = [];
    const log = openJobLog(async (piece) => {
      await Bun.sleep(1);
      pieces.push(piece);
    }, 5);
    const whole = `${'x'.repeat(LOG_PIECE_CHARS - 1)}😀${'ä\u001b'.repeat(LOG_PIECE_CHARS)}`;
    for (let at = 0; at < whole.length; at += 5000) log.write(whole.slice(at, at + 5000));
    await log.close();
    let at = 0;
    for (const { offset, text } of pieces) {
      expect(offset).toBe(at);
      expect(text.length).toBeLessThanOrEqual(LOG_PIECE_CHARS);
      expect(text.isWellFormed()).toBe(true);
      expect(JSON.stringify(text).length).toBeLessThan(60 * 1024);
      at += text.length;
    }
    expect(pieces.map(({ text }) => text).join('')).toBe(whole);
  });

  test('that is too long is cut, and says so', async () => {
    let said = '';
    const log = openJobLog(async ({ text }) => {
      said += text;
    });
    for (let written = 0; written < JOB_LOG_MAX * 1.5; written += 100_000) log.write('x'.repeat(100_000));
    await log.close();
    expect(said.length).toBeLessThanOrEqual(JOB_LOG_MAX);
    expect(said.endsWith('was cut\n')).toBe(true);
  });
});

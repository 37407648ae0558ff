import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { SITE_STORE_FOLDER } from '../../base/paths.ts';
import type { CheckContext } from '../../health-gate/check.ts';
import { agentAnswers } from '../../health-gate/checks/agent-answers.ts';
import { siteAnswers } from '../../health-gate/checks/site-answers.ts';
import { statusAnswers } from '../../health-gate/checks/status-answers.ts';
import { updatePossible } from '../../health-gate/checks/update-possible.ts';
import { LabMachine } from '../../health-gate/lab/machine.ts';
import { runChecks } from '../../health-gate/run-checks.ts';
import { healthyStatus } from '../../status-page/example-status.ts';
import type { Status } from '../../status-page/status.ts';
import { createStatusApp } from '../../status-page/status-app.ts';
import { startTestSite } from '../../test/site/test-site.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { developmentKeys } from '../../updater/signing/dev-keys.ts';
import { askSite, describeUpdateKeys, readStatus } from './gate-questions.ts';

const machine = new LabMachine();
afterAll(() => machine.remove());
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** The real page over what the facts of a release give, on a real port. */
function serve(read: () => Promise<Status>): string {
  const app = createStatusApp({ source: { current: read, subscribe: () => () => {} } });
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => app.handle(request) });
  closers.push(
    () => app.close(),
    () => server.stop(true),
  );
  return `http://127.0.0.1:${server.port}`;
}

async function judge(agentUrl: string, overrides: Partial<CheckContext> = {}) {
  const context = machine.context({
    agentUrl,
    fetch: (url, init) => fetch(url, init),
    readStatus,
    trial: true,
    version: healthyStatus().version.running,
    ...overrides,
  });
  const results = await runChecks([agentAnswers, statusAnswers], context, 60_000);
  return results.map(({ name, outcome, message }) => `${name} ${outcome}: ${message}`);
}

describe('on trial the status page', () => {
  test('passes with a status of the version that runs, judged or not', async () => {
    const pending: Status = { ...healthyStatus(), health: { outcome: 'pending', verdicts: [] } };
    for (const status of [healthyStatus(), pending]) {
      const url = serve(async () => status);
      expect((await judge(url))[1]).toBe(
        `status-answers pass: ${url}/api/v1/status answers, and says that ${status.version.running} runs`,
      );
    }
  });

  test('fails when the facts of the release are broken, though its server answers', async () => {
    const url = serve(() => Promise.reject(new Error('facts are broken')));
    const [server, status] = await judge(url);
    expect(server).toMatch(/^agent-answers pass/);
    expect(status).toMatch(/^status-answers fail: .* answers 50\d$/);
  });

  test('fails when it says that another version runs', async () => {
    const url = serve(async () => healthyStatus());
    expect((await judge(url, { version: '9.9.9' }))[1]).toMatch(
      /^status-answers fail: .* runs, and the image is 9\.9\.9$/,
    );
  });

  test('fails when what answers is no status, and names the field', async () => {
    const answer = async (body: string) => {
      const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response(body) });
      closers.push(() => server.stop(true));
      return (await judge(`http://127.0.0.1:${server.port}`))[1];
    };
    expect(await answer('<html>')).toMatch(/^status-answers fail: .* gives no status/);
    expect(await answer('{}')).toMatch(
      /^status-answers fail: .* does not answer with a status: .*\/identity/,
    );
    const { boot: _left, ...without } = healthyStatus();
    expect(await answer(JSON.stringify(without))).toMatch(/\/boot/);
    expect(await answer('['.repeat(3 * 1024 * 1024))).toMatch(/^status-answers fail/);
  });

  test('is not asked of a slot that has passed before', async () => {
    const url = serve(() => Promise.reject(new Error('facts are broken')));
    expect((await judge(url, { trial: false }))[1]).toBe('status-answers skipped: asked of a slot on trial');
  });
});

describe('an update stays possible', () => {
  const keys = async (imageFile: string) => {
    const context = machine.context({ loadUpdateKeys: () => describeUpdateKeys(imageFile) });
    const [result] = await runChecks([updatePossible], context, 60_000);
    return `${result?.outcome}: ${result?.message}`;
  };

  test('with the key set of an image', async () => {
    const { keysetFile } = developmentKeys(makeFolder('gate-keys'), Date.UTC(2026, 0));
    expect(await keys(keysetFile)).toBe('pass: key set 1 of the image, release keys: 1');
  });

  test('not without one, nor with one that is damaged', async () => {
    const folder = makeFolder('gate-keys');
    expect(await keys(join(folder, 'missing.json'))).toMatch(/^fail: KEYS_FILE_UNREADABLE/);
    const file = join(folder, 'keyset.json');
    writeFileSync(file, '[]');
    expect(await keys(file)).toMatch(/^fail: KEYS_/);
  });
});

describe('on trial the service of the site', () => {
  /** What the kernel tells of mounts; with the site's place or without. */
  function mounts(there: boolean): string {
    const proc = makeFolder('proc');
    mkdirSync(join(proc, 'self'));
    const line = `36 25 7:0 / ${SITE_STORE_FOLDER} rw,noatime - ext4 /dev/loop0 rw\n`;
    writeFileSync(join(proc, 'self/mountinfo'), there ? line : '');
    return proc;
  }
  const find = async (proc: string, socket: string, overrides: Partial<CheckContext> = {}) => {
    const context = machine.context({
      ...{ trial: true, patience_ms: 10, askSite: (signal) => askSite(signal, proc, socket) },
      ...overrides,
    });
    const [result] = await runChecks([siteAnswers], context, 60_000);
    return `${result?.outcome}: ${result?.message}`;
  };

  test('passes while it answers, and fails when it is gone', async () => {
    const folder = makeFolder('site');
    const socket = join(folder, 'socket');
    const site = await startTestSite({ folder, socket });
    expect(await find(mounts(true), socket)).toBe('pass: the service of the site answers');
    await site.stop();
    expect(await find(mounts(true), socket)).toMatch(
      /^fail: the service of the site does not answer: SITE_NOT_RUNNING/,
    );
    expect(await find(mounts(true), socket, { trial: false })).toBe('skipped: asked of a slot on trial');
  });

  test('is not asked for where it cannot run in any slot', async () => {
    expect(await find(mounts(false), '/nowhere')).toMatch(/^skipped: .* is not mounted/);
  });
});

import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Elysia } from 'elysia';
import { afterEach, describe, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { startTestSite } from '../../test/site/test-site.ts';
import { heard } from '../../test/unit/heard.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { createFindings } from '../findings/findings.ts';
import { FINDINGS_PART } from '../findings/tables.ts';
import { runProgram } from '../program.ts';
import { callSite } from './control/client.ts';
import { serveControl } from './control/server.ts';
import { openSiteStore } from './store/store.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe('the service of the site', () => {
  test('tells over its socket what it is and how much room it has, and takes the socket away in the end', async () => {
    const folder = makeFolder('site');
    const socket = join(folder, 'control.sock');
    const now = new Date('2026-11-21T20:00:00Z');
    const site = await startTestSite({ folder, socket, now: () => now });
    ends.push(() => site.stop());
    expect(await callSite('/v1/site', { socket })).toEqual({
      version: VERSION,
      started_at: now.toISOString(),
      store: {
        ...{ folder, size_bytes: expect.any(Number), free_bytes: expect.any(Number) },
        database: {
          waiting: 0,
          used_bytes: expect.any(Number),
          max_bytes: expect.any(Number),
          refused: null,
        },
      },
    });
    // Its own user and its group: who is in neither cannot connect.
    expect(statSync(socket).mode & 0o777).toBe(0o660);
    expect(await site.stop()).toBe(true);
    expect(existsSync(socket)).toBe(false);
  });
});

test('findings are listed and closed at the command line', async () => {
  const folder = makeFolder('site');
  const socket = join(folder, 'control.sock');
  const store = openSiteStore({ file: join(folder, 'site.db'), parts: [FINDINGS_PART], warn: () => {} });
  const findings = createFindings({ store, now_ms: Date.now, warn: () => {} });
  await findings.record([
    {
      ...{ subject: 'appliance', hostname: 'box', check_type: 'firewall', passed: false, control: null },
      ...{ expected: 'loaded', actual: 'no rules', severity: 'high', at_s: 1_790_000_000, metadata: {} },
    },
  ]);
  findings.stop();
  store.stop();
  const site = await startTestSite({ folder, socket });
  ends.push(() => site.stop());
  const say = async (...args: string[]) => {
    const { out, err } = await heard((io) => runProgram([...args, '--socket', socket], io));
    return out + err;
  };
  expect(await say('findings', 'list')).toMatch(/open .* high +firewall +box \(appliance\) +no rules/);
  expect(await say('findings', 'events')).toMatch(/box \(appliance\) +firewall +no +no rules/);
  const [{ id }] = JSON.parse(await say('findings', 'list', '--json')) as [{ id: string }];
  expect(await say('findings', 'close', id)).toBe('closed: firewall on box\n');
  expect(await say('findings', 'list')).toBe('none\n');
  expect(await say('findings', 'list', '--all')).toContain('closed');
});

describe('the control socket', () => {
  function serve() {
    const socket = join(makeFolder('control'), 'socket');
    const faults: string[] = [];
    const part = new Elysia()
      .post('/echo', ({ body }) => body)
      .get('/refuses', () => {
        throw new BulkheadError('TEST_REFUSED', 'this is refused', { hint: 'ask for something else' });
      })
      .get('/breaks', () => {
        throw new Error('secret words');
      });
    writeFileSync(socket, 'left by a process that was killed');
    const server = serveControl({ socket, parts: [part], onFault: (words) => faults.push(words) });
    ends.push(() => server.stop());
    return { socket, faults };
  }

  test('hands JSON in and back', async () => {
    const { socket } = serve();
    expect(await callSite('/echo', { socket, method: 'POST', body: { a: [1, 'ü'] } })).toEqual({
      a: [1, 'ü'],
    });
  });

  test('throws at the one who asks what the service threw, with its code and hint', async () => {
    const { socket, faults } = serve();
    await expect(callSite('/refuses', { socket })).rejects.toMatchObject({
      ...{ code: 'TEST_REFUSED', message: 'this is refused', hint: 'ask for something else' },
    });
    await expect(callSite('/nothing', { socket })).rejects.toMatchObject({ code: 'SITE_ROUTE_UNKNOWN' });
    expect(faults).toEqual([]);
  });

  test('keeps the words of a fault for the log', async () => {
    const { socket, faults } = serve();
    await expect(callSite('/breaks', { socket })).rejects.toMatchObject({ code: 'SITE_INTERNAL' });
    expect(faults).toEqual(['secret words']);
  });

  test('says that the service does not run', async () => {
    const socket = join(makeFolder('control'), 'nobody');
    await expect(callSite('/v1/site', { socket })).rejects.toMatchObject({ code: 'SITE_NOT_RUNNING' });
  });
});

import { createServer } from 'node:net';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startLog } from '../../base/log.ts';
import { run } from '../../base/run.ts';
import type { Verdict } from '../../health-gate/verdict-schema.ts';
import type { Status } from '../../status-page/status.ts';
import { heard } from '../../test/unit/heard.ts';
import { type Agent, startAgent } from '../agent/agent.ts';
import { createServiceManager } from '../agent/service-manager.ts';
import { lastingFacts } from '../agent/status-keeper.ts';
import { loadConfig } from '../config/load.ts';
import { builtInConfig } from '../config/schema.ts';
import { type FactTree, makeFactTree } from '../facts/fact-tree.ts';
import { orderPathsBelow } from '../orders/lab/paths-below.ts';
import { registerAgent } from './agent.ts';
import { registerStatus } from './status.ts';
import { registerVersion } from './version.ts';

/** The commands as main.ts wires them; a thrown error passes through. */
const bulkhead = (...args: string[]) =>
  heard((io) => {
    const program = new Command('bulkhead').exitOverride();
    program.configureOutput({ writeOut: io.out, writeErr: io.err });
    for (const register of [registerAgent, registerStatus, registerVersion]) register(program, io);
    for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
    return program.parseAsync(args, { from: 'user' });
  });

const VERDICT: Verdict = {
  id: 'this-boot-1',
  bootId: 'this-boot',
  at: '2026-11-21T12:00:00.000Z',
  slot: 'A',
  version: '1.0.0',
  attempt: 1,
  outcome: 'healthy',
  action: 'commit',
  reason: 'all decisive checks passed',
  checks: [
    { name: 'data-partition', decisive: true, outcome: 'fail', message: 'not mounted', duration_ms: 1 },
  ],
};

describe('bulkhead status', () => {
  let tree: FactTree;
  let agent: Agent;
  let url: string;
  beforeEach(async () => {
    tree = makeFactTree();
    tree.write('proc/sys/kernel/random/boot_id', 'this-boot\n');
    tree.write('proc/cmdline', 'ab.partition=A ab.attempt=1 ab.mode=normal\n');
    tree.write('image.json', '{"version":"1.0.0","revision":"abc1234"}');
    agent = await startAgent({
      port: 0,
      listen: '127.0.0.1',
      siteId: null,
      coordinator: builtInConfig().coordinator,
      loadConfig: () => loadConfig({ imageFile: '', deviceFile: '', environment: {} }),
      storeFolder: null,
      paths: tree.context.paths,
      orderPaths: orderPathsBelow(tree.root),
      restart: () => undefined,
      watchedFolder: `${tree.root}/run/bulkhead`,
      consoleFile: `${tree.root}/none/console.txt`,
      run,
      now: () => new Date(),
      log: startLog({}, 'agent'),
      serviceManager: createServiceManager({}, run, () => {}),
    });
    url = `http://127.0.0.1:${agent.port}`;
  });
  afterEach(async () => {
    await agent.stop();
    tree.remove();
  });

  test('ends with 2 while the boot is not judged, 1 when it is unhealthy, 0 when it is healthy', async () => {
    expect(await bulkhead('status', '--url', url)).toMatchObject({ code: 2 });
    await Bun.sleep(1_100);
    tree.write('run/bulkhead/health.json', JSON.stringify({ ...VERDICT, outcome: 'unhealthy' }));
    const unhealthy = await bulkhead('status', '--url', url);
    expect(unhealthy.code).toBe(1);
    expect(unhealthy.out).toContain('failed data-partition: not mounted');
    await Bun.sleep(1_100);
    tree.write('run/bulkhead/health.json', JSON.stringify(VERDICT));
    expect(await bulkhead('status', '--url', url)).toMatchObject({ code: 0 });
  });

  test('--json prints exactly what the page knows', async () => {
    const printed = JSON.parse((await bulkhead('status', '--json', '--url', url)).out);
    const page = (await (await fetch(`${url}/api/v1/status`)).json()) as Status;
    // Uptime and memory may have moved between the two questions.
    expect(lastingFacts(printed)).toBe(lastingFacts(page));
    expect(Object.keys(printed)).toEqual(Object.keys(page));
  });

  test('the text names health, slot, version and coordinator', async () => {
    const { out } = await bulkhead('status', '--url', url);
    expect(out).toMatch(/^Health {7}pending$/m);
    expect(out).toMatch(/^Slot {9}A \(normal, attempt 1 of 3, boot state unreadable\)$/m);
    expect(out).toMatch(/^Version {6}1\.0\.0, abc1234/m);
    expect(out).toMatch(/^Coordinator {2}not configured$/m);
  });
});

describe('bulkhead status without an agent', () => {
  test('says that nobody answers and what to do', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    await expect(bulkhead('status', '--url', `http://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'AGENT_DOWN',
      hint: expect.stringContaining('systemctl status compliance-agent'),
    });
  });

  test('does not take any other program for it', async () => {
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => Response.json({ health: 'healthy' }),
    });
    await expect(bulkhead('status', '--url', `http://127.0.0.1:${server.port}`)).rejects.toMatchObject({
      code: 'AGENT_ANSWER',
    });
    await server.stop(true);
  });

  test('refuses what is no URL', async () => {
    await expect(bulkhead('status', '--url', 'localhost')).rejects.toMatchObject({
      code: 'AGENT_URL_INVALID',
    });
  });
});

test('bulkhead agent refuses a port that is none, before anything is started', async () => {
  for (const port of ['http', '-1', '65536', '80.5']) {
    await expect(bulkhead('agent', `--port=${port}`)).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    });
  }
});

test('bulkhead version names the program, and says that a workstation has no image', async () => {
  const { out } = await bulkhead('version');
  const { version } = await Bun.file(new URL('../../package.json', import.meta.url)).json();
  expect(out).toContain(`bulkhead ${version}\n`);
  const facts = JSON.parse((await bulkhead('version', '--json')).out);
  expect(facts).toMatchObject({ program: version, image: { version: null }, slot: null });
  expect(facts.kernel).toBe((await Bun.file('/proc/sys/kernel/osrelease').text()).trim());
});

test.each(['agent', 'status', 'version'])('bulkhead %s --help has an example', async (name) => {
  let out = '';
  const program = new Command('bulkhead').configureOutput({
    writeOut: (text) => {
      out += text;
    },
  });
  const io = { out: () => {}, err: () => {}, setExitCode: () => {} };
  for (const register of [registerAgent, registerStatus, registerVersion]) register(program, io);
  program.commands.find((command) => command.name() === name)?.outputHelp();
  expect(out).toMatch(/Examples?:\n {2}bulkhead/);
});

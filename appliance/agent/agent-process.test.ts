import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { admitStatus } from '../../status-page/status-check.ts';
import { SHUTDOWN_MS } from './limits.ts';
import { type NotifyReceiver, openNotifyReceiver } from './notify-receiver.ts';

let folder: string;
let receiver: NotifyReceiver;
let child: Bun.Subprocess<'ignore', 'pipe', 'pipe'> | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-'));
  receiver = openNotifyReceiver(join(folder, 'notify'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await child?.exited;
  receiver.close();
  rmSync(folder, { recursive: true });
});

/** The agent as a process of its own, as systemd would start it, on a free port. */
async function startProcess(environment: Record<string, string>) {
  const module = new URL('./run-agent.ts', import.meta.url).href;
  const program = `const { runAgent } = await import(${JSON.stringify(module)}); await runAgent({ port: 0, listen: '127.0.0.1' });`;
  const started = Bun.spawn([process.execPath, '-e', program], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: folder,
      NOTIFY_SOCKET: join(folder, 'notify'),
      JOURNAL_STREAM: '8:1',
      ...environment,
    },
  });
  child = started;
  const ready = await receiver.waitFor('READY=1', 15_000);
  const port = Number(/on port (\d+)/.exec(ready)?.[1]);
  return { process: started, url: `http://127.0.0.1:${port}` };
}

describe('the agent as systemd runs it', () => {
  test('says READY only once the page answers, then WATCHDOG again and again, and STOPPING before it ends with 0', async () => {
    const { process: agent, url } = await startProcess({ WATCHDOG_USEC: '1000000' });
    const response = await fetch(`${url}/api/v1/status`);
    expect(response.status).toBe(200);
    admitStatus(await response.json());

    await Bun.sleep(1_600);
    expect(
      receiver.messages.filter((message) => message.includes('WATCHDOG=1')).length,
    ).toBeGreaterThanOrEqual(2);

    const stopped_ms = performance.now();
    agent.kill('SIGTERM');
    expect(await agent.exited).toBe(0);
    expect(performance.now() - stopped_ms).toBeLessThan(SHUTDOWN_MS);
    await receiver.waitFor('STOPPING=1');
    await expect(fetch(url)).rejects.toThrow();
    // Every line for the journal carries its priority, and nothing else is printed.
    const lines = (await new Response(agent.stderr).text()).trim().split('\n');
    for (const line of lines) expect(line).toMatch(/^<[2-7]>/);
    expect(await new Response(agent.stdout).text()).toBe('');
  });

  test('ends in time although a page is open and a probe hangs', async () => {
    // Reserved for documentation (RFC 5737): nobody answers there.
    const { process: agent, url } = await startProcess({ MCP_URL: 'https://192.0.2.200' });
    const stream = await fetch(`${url}/api/v1/events`);
    await stream.body?.getReader().read();
    const stopped_ms = performance.now();
    agent.kill('SIGINT');
    expect(await agent.exited).toBe(0);
    expect(performance.now() - stopped_ms).toBeLessThan(SHUTDOWN_MS);
  });

  test('without a just-in-time compiler, as MemoryDenyWriteExecute leaves it, does the same', async () => {
    const { process: agent, url } = await startProcess({ BUN_JSC_useJIT: '0', WATCHDOG_USEC: '1000000' });
    expect((await fetch(url)).status).toBe(200);
    await receiver.waitFor('WATCHDOG=1');
    agent.kill('SIGTERM');
    expect(await agent.exited).toBe(0);
  });
});

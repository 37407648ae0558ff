import { afterAll, afterEach, expect, test } from 'vitest';
import type { CheckContext } from '../check.ts';
import { LabMachine } from '../lab/machine.ts';
import { runChecks } from '../run-checks.ts';
import { agentAnswers } from './agent-answers.ts';

const machine = new LabMachine();
afterAll(() => machine.remove());
const closers: (() => void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) close();
});

/** A real server on a port of its own. */
function serve(answer: (asked: number) => Response | Promise<Response>): string {
  let asked = 0;
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => {
      asked += 1;
      return answer(asked);
    },
  });
  closers.push(() => void server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}

async function judge(agentUrl: string, patience_ms: number) {
  const context: CheckContext = machine.context({
    agentUrl,
    patience_ms,
    fetch: (url, init) => fetch(url, init),
  });
  const [result] = await runChecks([agentAnswers], context, 60_000);
  return result;
}

test('passes when the agent answers 200', async () => {
  const url = serve(() => new Response('{"ok":true}'));
  expect(await judge(url, 0)).toMatchObject({
    outcome: 'pass',
    decisive: true,
    message: `${url}/healthz answers 200`,
  });
});

test('waits for an agent that is still starting', async () => {
  const url = serve((asked) => new Response('', { status: asked < 3 ? 503 : 200 }));
  expect(await judge(url, 10_000)).toMatchObject({ outcome: 'pass' });
});

test('waits for an agent that does not listen yet', async () => {
  const reserved = serve(() => new Response(''));
  closers.splice(0).map((close) => close());
  const { port } = new URL(reserved);
  setTimeout(() => {
    const server = Bun.serve({ port: Number(port), hostname: '127.0.0.1', fetch: () => new Response('up') });
    closers.push(() => void server.stop(true));
  }, 1_200);
  expect(await judge(reserved, 10_000)).toMatchObject({ outcome: 'pass' });
});

test('fails with the last answer once the patience is used up', async () => {
  const url = serve(() => new Response('', { status: 500 }));
  const result = await judge(url, 1_500);
  expect(result?.outcome).toBe('fail');
  expect(result?.message).toMatch(/answers 500, asked [23] times$/);
});

test('fails when nobody listens, with the reason', async () => {
  const url = serve(() => new Response(''));
  closers.splice(0).map((close) => close());
  expect((await judge(url, 0))?.message).toMatch(/does not answer \(.+\)$/);
});

test('an answer without end passes for what its first bytes are and is not read on', async () => {
  let sent_bytes = 0;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent_bytes += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
      }),
    );
  const result = await judge(serve(endless), 0);
  expect(result?.outcome).toBe('pass');
  expect(sent_bytes).toBeLessThan(64 * 1024 * 1024);
});

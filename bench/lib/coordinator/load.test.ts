import { expect, onTestFinished, test } from 'vitest';
import { quantile, requestBytes, runLoad } from './load.ts';

/** A server that answers as it is told, and remembers what it was asked. */
function serve(answer: (text: string) => Response) {
  const asked: string[] = [];
  const server = Bun.serve({
    ...{ hostname: '127.0.0.1', port: 0 },
    fetch: async (request) => {
      const text = await request.text();
      asked.push(`${request.method} ${new URL(request.url).pathname} ${request.headers.get('x-a')} ${text}`);
      return answer(text);
    },
  });
  onTestFinished(async () => await server.stop(true));
  return { asked, port: server.port ?? 0 };
}

function requests(port: number, count: number) {
  let at = 0;
  return () => {
    at += 1;
    const body = new TextEncoder().encode(String(at));
    return at > count ? undefined : requestBytes({ port, path: '/x' }, { 'x-a': 'b' }, body);
  };
}

test('every request is sent once, whole, and every answer is counted by its status', async () => {
  // Longer than what a socket brings at once.
  const { asked, port } = serve(
    (text) => new Response('x'.repeat(200_000), { status: text === '7' ? 409 : 200 }),
  );
  const result = await runLoad(port, 4, requests(port, 40));
  expect(result).toMatchObject({ answered: 40, statuses: { 200: 39, 409: 1 } });
  expect(asked.sort()).toEqual(Array.from({ length: 40 }, (_, at) => `POST /x b ${at + 1}`).sort());
  expect(result.latencies_ms).toHaveLength(40);
  expect(result.latencies_ms.every((value, at, all) => at === 0 || value >= (all[at - 1] ?? 0))).toBe(true);
});

test('a load ends when its time is over', async () => {
  const { port } = serve(() => new Response('ok'));
  const { answered, seconds } = await runLoad(port, 2, requests(port, 1_000_000), 100);
  expect(answered).toBeGreaterThan(0);
  expect(seconds).toBeGreaterThanOrEqual(0.1);
});

test('nobody there is an error, not a good result', async () => {
  await expect(runLoad(1, 1, requests(1, 1))).rejects.toThrow();
});

test('a quantile is one of the values', () => {
  const sorted = Float64Array.from({ length: 100 }, (_, at) => at);
  expect([0, 0.5, 0.99, 1].map((share) => quantile(sorted, share))).toEqual([0, 50, 99, 99]);
  expect(quantile(new Float64Array(), 0.5)).toBe(0);
});

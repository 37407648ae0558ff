import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../test/unit/make-folder.ts';
import { COMMAND_OUTPUT_MAX_BYTES } from './limits.ts';
import { run, runOrThrow } from './run.ts';

/** Far below what is waited for in these tests, far above what ending a process takes. */
const SOON_MS = 3_000;

async function failing(work: Promise<unknown>): Promise<{ error: unknown; took_ms: number }> {
  const start_ms = performance.now();
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return { error, took_ms: performance.now() - start_ms };
}

test('what a program says and how it ends comes back, and nothing of our own environment goes in', async () => {
  const script = 'cat; echo told >&2; echo "$LANG $EXTRA $BULKHEAD_SECRET"; exit 3';
  process.env['BULKHEAD_SECRET'] = 'of this process';
  try {
    const result = await run('sh', ['-c', script], { input: 'heard\n', env: { EXTRA: 'given' } });
    expect(result).toEqual({ code: 3, stdout: 'heard\nC.UTF-8 given \n', stderr: 'told\n' });
  } finally {
    delete process.env['BULKHEAD_SECRET'];
  }
});

test('a program that does not end is killed at its deadline', async () => {
  const { error, took_ms } = await failing(run('sleep', ['60'], { timeout_ms: 100 }));
  expect(error).toMatchObject({
    code: 'COMMAND_TIMEOUT',
    message: expect.stringContaining("'sleep 60' was still running after 100 ms and was killed"),
  });
  expect(took_ms).toBeLessThan(SOON_MS);
});

test('the deadline holds even where something else keeps the output of the program open', async () => {
  const { error, took_ms } = await failing(run('sh', ['-c', 'sleep 9 & wait'], { timeout_ms: 100 }));
  expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT' });
  expect(took_ms).toBeLessThan(SOON_MS);
});

test('what was left behind does not keep this process from ending', () => {
  const script = `import { run } from ${JSON.stringify(join(import.meta.dirname, 'run.ts'))};
    await run('sh', ['-c', 'sleep 9 & wait'], { timeout_ms: 100 }).catch((error) => console.log(error.code));`;
  const { stdout, status } = spawnSync(process.execPath, ['-e', script], {
    cwd: makeFolder('run'),
    encoding: 'utf8',
    timeout: 3 * SOON_MS - 1_000,
  });
  expect([stdout, status]).toEqual(['COMMAND_TIMEOUT\n', 0]);
});

test('of a program that never stops talking its last words are kept, and no more than fit', async () => {
  const lines = Math.ceil(COMMAND_OUTPUT_MAX_BYTES / 64) * 2;
  const { stdout } = await run('sh', ['-c', `yes "$(printf '%063d' 7)" | head -n ${lines}; echo last`]);
  expect(stdout.endsWith('last\n')).toBe(true);
  expect(stdout.length).toBeGreaterThanOrEqual(COMMAND_OUTPUT_MAX_BYTES);
  expect(stdout.length).toBeLessThan(1.5 * COMMAND_OUTPUT_MAX_BYTES);
});

test('a failure carries the words of the program', async () => {
  const { error } = await failing(runOrThrow(run, 'sh', ['-c', 'echo no such thing >&2; exit 4']));
  expect(error).toMatchObject({
    code: 'COMMAND_FAILED',
    message: expect.stringContaining('ended with 4: no such thing'),
  });
});

test('a program that is not there is named', async () => {
  const { error } = await failing(run('bulkhead-no-such-program', ['--help']));
  expect(error).toMatchObject({
    code: 'COMMAND_NOT_FOUND',
    message: expect.stringContaining("'bulkhead-no-such-program --help'"),
  });
});

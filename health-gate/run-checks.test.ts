import { open } from 'node:fs/promises';
import { afterAll, expect, test } from 'vitest';
import { type Check, passed } from './check.ts';
import { command, LabMachine } from './lab/machine.ts';
import { MESSAGE_MAX_LENGTH } from './limits.ts';
import { runChecks } from './run-checks.ts';

const machine = new LabMachine();
const context = machine.context();
afterAll(() => machine.remove());

const check = (name: string, timeout_ms: number, find: Check['find']): Check => ({
  name,
  decisive: true,
  timeout_ms: () => timeout_ms,
  find,
});

test('a check that hangs fails at its own deadline and holds nobody up', async () => {
  const started_ms = performance.now();
  const results = await runChecks(
    [
      check('hangs', 200, () => new Promise(() => undefined)),
      check('well', 5_000, async () => passed('fine')),
    ],
    context,
    10_000,
  );
  expect(performance.now() - started_ms).toBeLessThan(2_000);
  expect(results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(['hangs fail', 'well pass']);
  expect(results[0]?.message).toBe('gave no answer within 200 ms');
  expect(results[0]?.duration_ms).toBeGreaterThanOrEqual(190);
});

test('the deadline of the gate cuts a check that would allow itself more', async () => {
  const started_ms = performance.now();
  const results = await runChecks([check('slow', 60_000, () => new Promise(() => undefined))], context, 300);
  expect(performance.now() - started_ms).toBeLessThan(3_000);
  expect(results[0]?.outcome).toBe('fail');
});

test('a check that is stuck inside the kernel still meets its deadline', async () => {
  // Opening a pipe that nobody writes to blocks in the kernel, as reading from a dead disk does.
  const pipe = machine.at('pipe');
  await command('mkfifo', pipe);
  const stuck = check('stuck', 300, async () => {
    await (await open(pipe, 'r')).close();
    return passed('fine');
  });
  const started_ms = performance.now();
  const results = await runChecks([stuck], context, 10_000);
  expect(performance.now() - started_ms).toBeLessThan(3_000);
  expect(results[0]?.outcome).toBe('fail');
  // Lets the thread go that is still waiting.
  await (await open(pipe, 'r+')).close();
});

test('a check that is cut is told so, and can stop what it started', async () => {
  let told = false;
  const polite = check('polite', 100, (_, signal) => {
    signal.addEventListener('abort', () => {
      told = true;
    });
    return new Promise(() => undefined);
  });
  await runChecks([polite], context, 10_000);
  expect(told).toBe(true);
});

test('what a check throws, at once or later, is its failure in its words', async () => {
  const results = await runChecks(
    [
      check('at once', 1_000, () => {
        throw new Error('no such file');
      }),
      check('later', 1_000, async () => {
        await Bun.sleep(5);
        throw new Error('went away', { cause: new Error('cable') });
      }),
    ],
    context,
    10_000,
  );
  expect(results.map(({ outcome, message }) => `${outcome}: ${message}`)).toEqual([
    'fail: no such file',
    'fail: went away (because: cable)',
  ]);
});

test('a message is one line of bounded length', async () => {
  const [result] = await runChecks(
    [check('chatty', 1_000, async () => passed(`first\n  second ${'x'.repeat(5_000)}`))],
    context,
    10_000,
  );
  expect(result?.message.startsWith('first second xxx')).toBe(true);
  expect(result?.message.length).toBe(MESSAGE_MAX_LENGTH);
});

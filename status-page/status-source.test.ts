import { describe, expect, test } from 'vitest';
import { BulkheadError } from '../base/errors.ts';
import { healthyStatus, unhealthyStatus } from './example-status.ts';
import { SOURCE_OPEN_CALLS_MAX, STATUS_FRESH_MS } from './limits.ts';
import type { Status } from './status.ts';
import { admitStatus } from './status-check.ts';
import { createStatusReader } from './status-source.ts';
import { testSource } from './test-source.ts';

function reader(source = testSource(healthyStatus()), timeout_ms = 1_000) {
  const clock = { now_ms: 0 };
  const problems: BulkheadError[] = [];
  const changes: Status[] = [];
  const made = createStatusReader({
    source,
    timeout_ms,
    now_ms: () => clock.now_ms,
    onProblem: (problem) => problems.push(problem),
    onChange: (status) => changes.push(status),
  });
  return { ...made, source, clock, problems, changes };
}

describe('reading the status', () => {
  test('looks once for any number of readers within a second', async () => {
    const { read, source, clock } = reader();
    await Promise.all(Array.from({ length: 50 }, read));
    clock.now_ms = STATUS_FRESH_MS - 1;
    await read();
    expect(source.calls).toBe(1);
    clock.now_ms = STATUS_FRESH_MS;
    await read();
    expect(source.calls).toBe(2);
  });

  test('remembers a failure as long as a success, so that a broken agent is not asked more often', async () => {
    const { read, source } = reader(testSource(new Error('no')));
    await expect(read()).rejects.toMatchObject({ code: 'STATUS_SOURCE_FAILED' });
    await expect(read()).rejects.toMatchObject({ code: 'STATUS_SOURCE_FAILED' });
    expect(source.calls).toBe(1);
  });

  test('takes what was pushed at once and tells it on', async () => {
    const { read, source, changes } = reader();
    await read();
    source.push(unhealthyStatus());
    expect((await read()).health.outcome).toBe('unhealthy');
    expect(changes).toHaveLength(1);
  });

  test('does not overwrite what was pushed with an older look', async () => {
    const slow = Promise.withResolvers<Status>();
    const source = { ...testSource(healthyStatus()), current: () => slow.promise };
    const { read } = reader(source);
    const first = read();
    for (const listener of source.listeners) listener(unhealthyStatus());
    slow.resolve(healthyStatus());
    expect((await first).health.outcome).toBe('unhealthy');
    expect((await read()).health.outcome).toBe('unhealthy');
  });

  test('gives up on an agent that does not answer, and does not pile up questions', async () => {
    let calls = 0;
    const source = testSource(healthyStatus());
    source.current = () => {
      calls += 1;
      return new Promise(() => {});
    };
    const { read, clock } = reader(source, 5);
    for (let round = 0; round < SOURCE_OPEN_CALLS_MAX + 3; round += 1) {
      await expect(read()).rejects.toMatchObject({ code: 'STATUS_SOURCE_TIMEOUT' });
      clock.now_ms += STATUS_FRESH_MS;
    }
    expect(calls).toBe(SOURCE_OPEN_CALLS_MAX);
  });

  test('keeps the words of a foreign error for the log', async () => {
    const cause = new BulkheadError('COMMAND_FAILED', 'token=swordfish');
    const { read, problems } = reader(testSource(cause));
    const error = await read().catch((caught: unknown) => caught);
    expect((error as BulkheadError).message).not.toContain('swordfish');
    expect(problems[0]?.cause).toBe(cause);
  });

  test('ends its subscription', () => {
    const { close, source } = reader();
    expect(source.listeners.size).toBe(1);
    close();
    expect(source.listeners.size).toBe(0);
  });
});

describe('the border', () => {
  test('leaves behind what is not in the schema, at every depth', () => {
    const status = healthyStatus();
    const leaky = {
      ...status,
      token: 'swordfish',
      identity: { ...status.identity, privateKey: 'swordfish' },
      slots: status.slots.map((slot) => ({ ...slot, secret: 'swordfish' })),
    };
    expect(JSON.stringify(admitStatus(leaky))).not.toContain('swordfish');
    expect(admitStatus(leaky)).toEqual(status);
    expect(leaky.token).toBe('swordfish');
  });

  test.each<[string, (status: Status) => unknown]>([
    ['/health/outcome', (status) => ({ ...status, health: { ...status.health, outcome: 'fine' } })],
    ['/time/now', (status) => ({ ...status, time: { ...status.time, now: 'noon' } })],
    ['/system/uptime_s', (status) => ({ ...status, system: { ...status.system, uptime_s: -1 } })],
    ['/firewall', ({ firewall: _, ...status }) => status],
  ])('refuses a status that is wrong at %s and names the place, not the value', (path, spoil) => {
    expect(() => admitStatus(spoil(healthyStatus()))).toThrow(path);
    expect(() => admitStatus(spoil(healthyStatus()))).not.toThrow('noon');
  });

  test.each([null, undefined, 7, 'status', []])('refuses %j', (candidate) => {
    expect(() => admitStatus(candidate)).toThrow('breaks its own schema');
  });
});

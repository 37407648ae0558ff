import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { EventQueue, QUEUE_CHECK, type QueueBounds } from './event-queue.ts';
import { TEXT_MAX_CHARACTERS } from './limits.ts';
import { makeEvent, type SensorEvent } from './reading.ts';
import { openSensorStore } from './sensor-store.ts';

function event(name: string, passed = false): SensorEvent {
  return makeEvent({ check_type: 'ssh', passed, expected: 'on', actual: name, control: null }, 1_000);
}

function open(path = join(makeFolder('queue'), 'sensor.db'), bounds?: QueueBounds) {
  const words: string[] = [];
  const store = openSensorStore(path, (word) => words.push(word));
  return { path, words, store, queue: new EventQueue(store, bounds) };
}

const names = (queue: EventQueue) => queue.next(0, 1_000).map(({ event: { actual } }) => actual);

describe('the queue', () => {
  test('gives back what was put, in its order, also after it was closed and opened', () => {
    const first = open();
    for (const name of ['a', 'b', 'c']) first.queue.put(event(name));
    const [a] = first.queue.next(0, 1);
    if (a) first.queue.remove(a);
    first.store.close();
    const again = open(first.path);
    expect(names(again.queue)).toEqual(['b', 'c']);
    expect(
      again.queue.next(again.queue.next(0, 1)[0]?.id ?? 0, 5).map(({ event: { actual } }) => actual),
    ).toEqual(['c']);
    expect(again.queue.state()).toMatchObject({ waiting: 2, lost: { passed: 0, failed: 0, refused: 0 } });
    expect(statSync(first.path).mode & 0o777).toBe(0o600);
    expect([...first.words, ...again.words]).toEqual([]);
    again.store.close();
  });

  test('holds two events of the same second, and one that is put twice once', () => {
    const { queue, store } = open();
    const one = event('same');
    for (const each of [one, event('same'), one]) queue.put(each);
    expect(queue.count).toBe(2);
    expect(new Set(queue.next(0, 9).map(({ event: { metadata } }) => metadata['event_id'])).size).toBe(2);
    store.close();
  });

  test('gives up the oldest that passed first, then the oldest that failed, and counts both', () => {
    const { queue, store } = open(undefined, { events: 4, bytes: 1_000_000 });
    for (const [name, passed] of [
      ['f1', false],
      ['p1', true],
      ['f2', false],
      ['p2', true],
      ['f3', false],
    ] as const)
      queue.put(event(name, passed));
    expect(names(queue)).toEqual(['f1', 'f2', 'p2', 'f3']);
    for (const name of ['f4', 'f5']) queue.put(event(name));
    expect(names(queue)).toEqual(['f2', 'f3', 'f4', 'f5']);
    expect(queue.state().lost).toEqual({ passed: 2, failed: 1, refused: 0 });
    store.close();
  });

  test('tells what it gave up as an event of its own, once, and that all is well when all has arrived', () => {
    const { queue, store } = open(undefined, { events: 3, bytes: 1_000_000 });
    for (const name of ['f1', 'f2', 'f3', 'f4']) queue.put(event(name));
    const take = () => {
      const [next] = queue.next(0, 1);
      if (next) queue.remove(next);
      return next?.event;
    };
    expect([take()?.actual, take()?.actual]).toEqual(['f2', 'f3']);
    queue.tellLoss(1);
    queue.tellLoss(2);
    expect(take()?.actual).toBe('f4');
    expect(take()).toMatchObject({
      ...{ check_type: QUEUE_CHECK, passed: false, at_s: 1 },
      metadata: { lost_failed: '1', lost_passed: '0' },
    });
    expect(queue.count).toBe(0);
    queue.tellLoss(3);
    expect(take()).toMatchObject({ check_type: QUEUE_CHECK, passed: true, at_s: 3 });
    queue.tellLoss(4);
    expect(queue.count).toBe(0);
    store.close();
  });

  test('never gives up a failed event while one that passed is left, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        (results, events) => {
          const { queue, store } = open(undefined, { events, bytes: 1_000_000 });
          results.forEach((passed, index) => {
            queue.put(event(String(index), passed));
          });
          const { waiting, lost } = queue.state();
          const left = queue.next(0, 100).map(({ event: { passed } }) => passed);
          expect(waiting).toBe(Math.min(results.length, events));
          expect(waiting + lost.passed + lost.failed).toBe(results.length);
          // What failed and is kept is never older than what failed and was given up; and none was given up while one passed.
          const failed = results.filter((passed) => !passed).length;
          expect(left.filter((passed) => !passed)).toHaveLength(Math.min(failed, events));
          store.close();
        },
      ),
      { numRuns: 30 },
    );
  });

  test('cuts what is too long, and refuses what no message holds', () => {
    const { queue, store } = open();
    queue.put(event('x'.repeat(TEXT_MAX_CHARACTERS + 10)));
    expect(names(queue)[0]).toMatch(/x … \(10 characters more\)$/);
    const large = makeEvent(
      {
        check_type: 'a',
        passed: true,
        expected: '',
        actual: '',
        control: null,
        metadata: { m: 'x'.repeat(70_000) },
      },
      1,
    );
    expect(() => queue.put(large)).toThrow(expect.objectContaining({ code: 'SENSOR_EVENT_TOO_LARGE' }));
    expect(queue.count).toBe(1);
    store.close();
  });
});

describe('where the disk fails', () => {
  test('a file that is no database is set aside, and it begins anew', () => {
    const path = join(makeFolder('queue'), 'sensor.db');
    writeFileSync(path, 'no database, whatever its name says'.repeat(100));
    const { queue, store, words } = open(path);
    queue.put(event('a'));
    expect(store.memoryOnly()).toBeNull();
    expect(words).toEqual([expect.stringContaining('set aside')]);
    expect(readdirSync(join(path, '..'))).toContain('sensor.db.damaged');
    store.close();
  });

  test('it goes on in memory where nothing can be opened, and says so', () => {
    const path = join(makeFolder('queue'), 'sensor.db');
    mkdirSync(path);
    const { queue, store, words } = open(path);
    queue.put(event('a'));
    expect(names(queue)).toEqual(['a']);
    expect(store.memoryOnly()).toMatch(/EISDIR/);
    expect(words).toHaveLength(1);
    store.close();
  });

  test('it goes on in memory, in its order, when the disk is full', async () => {
    const path = join(makeFolder('queue'), 'sensor.db');
    const program = `
      const { openSensorStore } = await import(${JSON.stringify(join(import.meta.dirname, 'sensor-store.ts'))});
      const { EventQueue } = await import(${JSON.stringify(join(import.meta.dirname, 'event-queue.ts'))});
      const words = [];
      const store = openSensorStore(${JSON.stringify(path)}, (word) => words.push(word));
      const queue = new EventQueue(store);
      for (let index = 0; index < 60; index += 1)
        queue.put({ event_id: String(index), check_type: 'a', passed: false, expected: '', actual: index + 'y'.repeat(4000), control: null, at_s: 1, metadata: {} });
      console.log(JSON.stringify({ order: queue.next(0, 100).map(({ event }) => Number.parseInt(event.actual)), count: queue.count, memoryOnly: store.memoryOnly(), words: words.length }));`;
    // Files may have 100 blocks of 1 KiB; the signal that says so is passed over, so that writing fails as on a full disk.
    const shell = `trap '' XFSZ; ulimit -f 100; exec "$0" -e "$1"`;
    const child = Bun.spawn(['bash', '-c', shell, process.execPath, program], {
      stdout: 'pipe',
      stderr: 'inherit',
    });
    const said = JSON.parse(await new Response(child.stdout).text());
    expect(said).toMatchObject({
      count: 60,
      words: 1,
      order: Array.from({ length: 60 }, (_, index) => index),
    });
    expect(said.memoryOnly).toBeTruthy();
  });

  test('what was put is there after a kill at any moment', async () => {
    const path = join(makeFolder('queue'), 'sensor.db');
    const program = `
      const { openSensorStore } = await import(${JSON.stringify(join(import.meta.dirname, 'sensor-store.ts'))});
      const { EventQueue } = await import(${JSON.stringify(join(import.meta.dirname, 'event-queue.ts'))});
      const queue = new EventQueue(openSensorStore(${JSON.stringify(path)}, console.error));
      for (let index = queue.count; ; index += 1) {
        queue.put({ event_id: String(index), check_type: 'a', passed: false, expected: '', actual: '', control: null, at_s: 1, metadata: {} });
        console.log(index);
      }`;
    let said = -1;
    for (const stop_after of [20, 60, 90]) {
      const child = Bun.spawn([process.execPath, '-e', program], { stdout: 'pipe', stderr: 'inherit' });
      let text = '';
      for await (const part of child.stdout) {
        text += new TextDecoder().decode(part);
        if (text.split('\n').length > stop_after) break;
      }
      child.kill('SIGKILL');
      await child.exited;
      said = Number(text.trimEnd().split('\n').at(-2));
      const { queue, store } = open(path);
      const found = queue.next(0, 100_000).map(({ event: { event_id } }) => Number(event_id));
      expect(found).toEqual(Array.from({ length: found.length }, (_, index) => index));
      expect(found.length).toBeGreaterThan(said);
      store.close();
    }
  });
});

import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { Interrupt } from './interrupt.ts';

function setUp() {
  const events = new EventEmitter();
  const clock = { now_ms: 0 };
  const interrupt = new Interrupt(events as unknown as NodeJS.Process, () => clock.now_ms);
  let insisted = false;
  void interrupt.insisted.then(() => {
    insisted = true;
  });
  const press = async (at_ms: number) => {
    clock.now_ms = at_ms;
    events.emit('SIGINT');
    await Promise.resolve();
    return insisted;
  };
  return { interrupt, press };
}

test('Ctrl-C ends a wait', async () => {
  const { interrupt, press } = setUp();
  const waiting = interrupt.orElse(new Promise(() => {}));
  await press(0);
  await expect(waiting).rejects.toMatchObject({ code: 'START_INTERRUPTED' });
  expect(interrupt.pressed).toBe(true);
});

test('work that is done first is not interrupted', async () => {
  const { interrupt } = setUp();
  expect(await interrupt.orElse(Promise.resolve(7))).toBe(7);
});

test('the same press through npm and terminal counts once, a later one insists', async () => {
  const { press } = setUp();
  expect(await press(0)).toBe(false);
  expect(await press(40)).toBe(false);
  expect(await press(3_000)).toBe(true);
});

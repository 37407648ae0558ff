import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KnownOrder } from '../../protocol/orders/order.ts';
import { ORDER_TYPE_NAMES } from '../../protocol/orders/order-types.ts';
import { ROLLED_BACK_CODE } from '../../protocol/orders/result.ts';
import { type Act, actsOf, type Odds } from './acts.ts';
import { deviceSigner, enrolmentFacts, keyOf, machineOf } from './identity.ts';
import { createRandom } from './random.ts';

const running = { version: '1.0.0', before: '0.9.0' };
const NEVER: Odds = { failure: 0, rollback: 0, silent: 0 };

function order(type: KnownOrder['type'], parameters: Record<string, unknown> = {}): KnownOrder {
  return {
    ...{ format: 1, id: 'f'.repeat(36), type, parameters, target: 'a'.repeat(64), attempt: 2 },
    ...{ nonce: 'b'.repeat(32), not_before_ms: 0, expires_ms: 1, timeout_s: 60 },
  };
}

function acts(type: KnownOrder['type'], odds: Odds, parameters: Record<string, unknown> = {}): Act[] {
  return actsOf(order(type, parameters), running, { odds, update_ms: 1000, random: createRandom('dice') });
}

/** What is seen of them, one word each. */
function words(list: readonly Act[]): string {
  return list
    .map((act) => {
      if (act.kind === 'tell') return act.result.state;
      if (act.kind === 'boot') return `boot ${act.version}`;
      return act.kind === 'progress' ? act.update.state : act.kind;
    })
    .join(', ');
}

test.each<[string, KnownOrder['type'], Odds, string]>([
  [
    'an update that goes well',
    'update',
    NEVER,
    'accepted, downloading, ready, rebooting, go_down, boot 1.1.0, verifying, succeeded, succeeded',
  ],
  ['one that fails', 'update', { ...NEVER, failure: 1 }, 'accepted, downloading, failed, failed'],
  [
    'one that is tried and comes back',
    'update',
    { ...NEVER, rollback: 1 },
    'accepted, downloading, ready, rebooting, go_down, boot 1.1.0, verifying, go_down, boot 1.0.0, rolled_back, failed',
  ],
  ['one after which nothing is heard', 'update', { ...NEVER, silent: 1 }, 'accepted, downloading, vanish'],
  ['a reboot', 'reboot', NEVER, 'accepted, go_down, boot 1.0.0, succeeded'],
  ['a reboot that fails', 'reboot', { ...NEVER, rollback: 1 }, 'accepted, failed'],
  ['a look at logs', 'view_logs', NEVER, 'accepted, log, succeeded'],
  ['what no simulated appliance does', 'reprovision', NEVER, 'refused'],
])('%s', (_, type, odds, expected) => {
  expect(words(acts(type, odds, { version: '1.1.0' }))).toBe(expected);
});

test('a return goes to the version that is ordered, or to the one before', () => {
  expect(words(acts('rollback', NEVER, { to_version: '0.8.0' }))).toContain('boot 0.8.0');
  expect(words(acts('rollback', NEVER))).toContain('boot 0.9.0');
});

test('what comes back says so with the code that rollouts know, and with a reason', () => {
  const [last] = acts('update', { ...NEVER, rollback: 1 }, { version: '1.1.0' }).slice(-1);
  expect(last).toMatchObject({ result: { attempt: 2, state: 'failed', code: ROLLED_BACK_CODE } });
});

test('every order is accepted or refused first, and ends once or in silence, whatever the dice say', () => {
  const share = fc.integer({ min: 0, max: 33 }).map((value) => value / 100);
  fc.assert(
    fc.property(
      fc.constantFrom(...ORDER_TYPE_NAMES),
      share,
      share,
      share,
      fc.string(),
      (type, a, b, c, seed) => {
        const odds = { failure: a, rollback: b, silent: c };
        const random = createRandom(seed);
        const list = actsOf(order(type, { version: '1.1.0' }), running, { odds, update_ms: 100, random });
        const told = list.flatMap((act) => (act.kind === 'tell' ? act.result.state : []));
        expect(['accepted', 'refused']).toContain(told[0]);
        const ends = told.filter((state) => state !== 'accepted');
        expect(ends.length + list.filter(({ kind }) => kind === 'vanish').length).toBe(1);
        expect(list.every(({ after_ms }) => after_ms >= 0 && after_ms <= 100)).toBe(true);
      },
    ),
  );
});

test('an order goes wrong about as often as it is told to', () => {
  const random = createRandom('many');
  const odds = { failure: 0.1, rollback: 0.2, silent: 0.05 };
  const counts = { failed: 0, rolled_back: 0, vanished: 0, succeeded: 0 };
  for (let count = 0; count < 4000; count += 1) {
    const text = words(
      actsOf(order('update', { version: '1.1.0' }), running, { odds, update_ms: 1, random }),
    );
    if (text.endsWith('vanish')) counts.vanished += 1;
    else if (text.includes('rolled_back')) counts.rolled_back += 1;
    else if (text.endsWith('failed')) counts.failed += 1;
    else counts.succeeded += 1;
  }
  expect(counts.failed / 4000).toBeCloseTo(0.1, 1);
  expect(counts.rolled_back / 4000).toBeCloseTo(0.2, 1);
  expect(counts.vanished / 4000).toBeCloseTo(0.05, 1);
});

test('the same seed is the same fleet, another seed or place another appliance', () => {
  const of = (seed: string, index: number) => ({ ...keyOf(seed, index), ...machineOf(seed, index) });
  expect(of('a', 3)).toEqual(of('a', 3));
  const all = [of('a', 3), of('a', 4), of('b', 3)];
  for (const field of ['key_id', 'serial', 'mac'] as const)
    expect(new Set(all.map((one) => one[field])).size).toBe(3);
  expect(of('a', 3).mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  const facts = enrolmentFacts(machineOf('a', 3), { version: '1.0.0', hardware: 'qemu' });
  expect(facts).toMatchObject({ serial: of('a', 3).serial, hardware: 'qemu', image_version: '1.0.0' });
  const message = new TextEncoder().encode('x');
  expect(deviceSigner('a', 3, '').sign(message)).toEqual(deviceSigner('a', 3, '').sign(message));
});

import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BulkheadError } from '../../../../base/errors.ts';
import { judgeFailure, pause_ms } from './failure.ts';
import { BACKOFF_MAX_MS } from './limits.ts';

const grpc = (code: status, details = '') => Object.assign(new Error('x'), { code, details });

test.each([
  ['the appliance is not there', grpc(status.UNAVAILABLE), false, 'again'],
  ['it is full', grpc(status.RESOURCE_EXHAUSTED), false, 'again'],
  ['somebody has to approve', grpc(status.FAILED_PRECONDITION), true, 'waiting'],
  ['the same word behind the admission', grpc(status.FAILED_PRECONDITION), false, 'again'],
  ['revoked', grpc(status.PERMISSION_DENIED), false, 'refused'],
  ['a wrong code', grpc(status.PERMISSION_DENIED), true, 'refused'],
  ['no certificate that counts', grpc(status.UNAUTHENTICATED), false, 'refused'],
  ['another authority', new BulkheadError('SENSOR_AUTHORITY_OTHER', 'x'), true, 'refused'],
  ['anything of our own', new Error('x'), false, 'again'],
] as const)('%s', (_, error, registering, reaction) => {
  expect(judgeFailure(error, registering).reaction).toBe(reaction);
});

test('what the appliance said is repeated', () => {
  expect(judgeFailure(grpc(status.RESOURCE_EXHAUSTED, 'the store is full'), false).why).toBe(
    'RESOURCE_EXHAUSTED: the store is full',
  );
});

test('the pause grows, is drawn at random, and never passes its bound', () => {
  const again = { reaction: 'again', why: '' } as const;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, random) => {
        const drawn_ms = pause_ms(again, failures, random);
        expect(drawn_ms).toBeGreaterThanOrEqual(0);
        expect(drawn_ms).toBeLessThanOrEqual(
          Math.min(BACKOFF_MAX_MS, 1_000 * 2 ** Math.min(failures - 1, 30)),
        );
      },
    ),
  );
  expect([1, 2, 3, 20].map((failures) => pause_ms(again, failures, 1))).toEqual([
    1_000, 2_000, 4_000, 120_000,
  ]);
  expect(pause_ms({ reaction: 'refused', why: '' }, 1, 0)).toBe(450_000);
});

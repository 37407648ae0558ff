import { Value } from '@sinclair/typebox/value';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { verifyEd25519 } from '../../base/signing/ed25519.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { testKey } from '../../base/signing/test-key.ts';
import { FACT_TEXT_MAX, ORDER_LOG_PIECE_MAX, RESULT_MESSAGE_MAX } from '../limits.ts';
import { OrderLogPiece, OrderResult } from '../orders/result.ts';
import { AgentProblem, EnrolmentAnswer, ReportAnswer } from './answers.ts';
import {
  EnrolmentCode,
  EnrolmentRequest,
  formatCode,
  KeyRotation,
  readCode,
  rotationStatement,
} from './enrolment.ts';
import { exampleFingerprint } from './example-fingerprint.ts';
import { Fingerprint, fingerprintChanges, fingerprintDigest } from './fingerprint.ts';
import { Heartbeat, StateReport } from './reports.ts';

test('every code has the form of one, and is read back from what a person makes of it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), (random) => {
      const code = formatCode(random);
      expect(Value.Check(EnrolmentCode, code)).toBe(true);
      expect(readCode(code)).toBe(code);
      expect(
        readCode(` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')}`),
      ).toBe(code);
    }),
  );
  expect(formatCode(new Uint8Array(10))).toBe('0000-0000-0000-0000');
  expect(formatCode(new Uint8Array(10).fill(255))).toBe('ZZZZ-ZZZZ-ZZZZ-ZZZZ');
  for (const none of ['', '0000', 'U000-0000-0000-0000', '0000-0000-0000-00000'])
    expect(readCode(none)).toBeUndefined();
});

test('a fingerprint is named by its content, not by the order it was written in', () => {
  const one = exampleFingerprint();
  const other = Object.fromEntries(Object.entries(one).reverse()) as Fingerprint;
  expect(Value.Check(Fingerprint, one)).toBe(true);
  expect(fingerprintDigest(other)).toBe(fingerprintDigest(one));
  const strange = { ...one, added_later: 1 };
  expect(fingerprintDigest(strange)).toBe(fingerprintDigest(one));
});

test('a change of any field is seen, and named', () => {
  const before = exampleFingerprint();
  const after = {
    ...before,
    active_slot: 'B' as const,
    network_interfaces: [{ name: 'eth0', mac: null, up: false }],
  };
  expect(fingerprintChanges(before, before)).toEqual([]);
  expect(fingerprintChanges(before, after).map(({ field }) => field)).toEqual([
    'network_interfaces',
    'active_slot',
  ]);
  expect(fingerprintDigest(after)).not.toBe(fingerprintDigest(before));
});

const DIGEST = 'd'.repeat(64);
const key = testKey('next');
const facts = {
  ...{ hostname: 'bulkhead-1a2b3c', serial: '8CC0123ABC', product_uuid: null, mac: '00:11:22:33:44:55' },
  ...{ hardware: 'hp-t640', agent_version: '0.1.0', image_version: null },
};
const public_key = Buffer.from(key.public_key).toString('base64');
const proof = Buffer.from(key.sign(rotationStatement(DIGEST, deviceIdOf(key.public_key)))).toString('base64');
const now = { server_time_ms: 1_790_000_000_000 };

test.each([
  [
    'a heartbeat',
    Heartbeat,
    { agent_version: '0.1.0', uptime_s: 1, state_digest: null, update: { version: '0.2.0', state: 'ready' } },
  ],
  [
    'a state report',
    StateReport,
    { reason: 'startup', observed_at_ms: 1, uptime_s: 1, fingerprint: exampleFingerprint() },
  ],
  ['an enrolment', EnrolmentRequest, { public_key, facts, provision_code: 'ABCD' }],
  ['a rotation', KeyRotation, { public_key, proof }],
  [
    'a result',
    OrderResult,
    { attempt: 1, state: 'failed', observed_at_ms: 1, code: 'X_Y', message: 'm'.repeat(RESULT_MESSAGE_MAX) },
  ],
  ['a piece of a log', OrderLogPiece, { attempt: 1, offset: 0, text: 'x'.repeat(ORDER_LOG_PIECE_MAX) }],
  [
    'an answer',
    ReportAnswer,
    { ...now, next_heartbeat_s: 57.5, send_state: true, agent: 'current', orders: [] },
  ],
  [
    'an answer to an enrolment',
    EnrolmentAnswer,
    {
      ...{
        ...now,
        state: 'pending',
        device_id: 'x',
        key_id: DIGEST,
        code: '0000-0000-0000-0000',
        code_expires_ms: 1,
      },
      ...{ provision: 'none', retry_after_s: 5, order_keys: [{ key_id: key.key_id, public_key }] },
    },
  ],
  ['a refusal', AgentProblem, { ...now, error: { code: 'A_B', message: 'm', hint: null }, last_sequence: 7 }],
])('%s has its schema, and lacks nothing', (_, schema, message) => {
  expect([...Value.Errors(schema, message)]).toEqual([]);
  for (const field of schema.required ?? []) {
    const { [field]: _gone, ...rest } = message as Record<string, unknown>;
    expect(Value.Check(schema, rest), field).toBe(false);
  }
  expect(Value.Check(schema, { ...message, added_by_a_later_version: 1 })).toBe(true);
});

test('what a machine says is bounded and is one line', () => {
  const named = (hostname: string) => Value.Check(Fingerprint, exampleFingerprint({ hostname }));
  expect(named('x'.repeat(FACT_TEXT_MAX))).toBe(true);
  expect(named('x'.repeat(FACT_TEXT_MAX + 1))).toBe(false);
  expect(named('two\nlines')).toBe(false);
});

test('the proof of a new key holds for the old key it follows and for no other', () => {
  const signature = Uint8Array.from(Buffer.from(proof, 'base64'));
  const id = deviceIdOf(key.public_key);
  expect(verifyEd25519(key.public_key, rotationStatement(DIGEST, id), signature)).toBe(true);
  expect(verifyEd25519(key.public_key, rotationStatement('e'.repeat(64), id), signature)).toBe(false);
});

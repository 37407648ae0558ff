import { describe, expect, test } from 'vitest';
import { testKey } from '../../base/signing/test-key.ts';
import vectors from '../../test/vectors/orders.json';
import { checkParameters, type Order, openOrder, sealOrder } from './order.ts';
import { ORDER_TYPE_NAMES, ORDER_TYPES, type OrderType } from './order-types.ts';

const coordinator = testKey('coordinator');
const trusted = new Map([[coordinator.key_id, coordinator.public_key]]);
const reader = { key_id: 'd'.repeat(64), now_ms: 1_000_000 };
const order = (changed: Partial<Order> = {}): Order => ({
  format: 1,
  id: '0199a7c0-0000-7000-8000-000000000001',
  type: 'reboot',
  parameters: { reason: 'a test', reboot: 'at_once' },
  target: reader.key_id,
  attempt: 1,
  nonce: '0'.repeat(32),
  not_before_ms: 900_000,
  expires_ms: 2_000_000,
  timeout_s: 60,
  ...changed,
});
const open = (changed: Partial<Order> = {}, key = coordinator) =>
  openOrder(JSON.parse(JSON.stringify(sealOrder(order(changed), key))), trusted, reader);

/** Parameters that fit, per type: every type of the reference is here. */
const FITTING: Record<OrderType, unknown> = {
  force_checkin: {},
  run_drift: { checks: ['firewall'] },
  sync_rules: { version: 7 },
  restart_agent: {},
  update: {
    version: '0.2.0',
    bundle: { sha256: 'a'.repeat(64), size_bytes: 1, urls: ['/artifacts/a', 'https://mirror.example/a'] },
    reboot: 'in_window',
  },
  rollback: { reason: 'bad', reboot: 'at_once' },
  reboot: { reason: 'bad', reboot: 'at_once' },
  view_logs: { unit: 'compliance-agent.service', since_s: 3600, lines_max: 100 },
  diagnostic: { command: 'resolve', argument: 'coordinator.example' },
  deploy_sensor: { host: 'till-1', tier: 'self_heal' },
  remove_sensor: { host: 'till-1' },
  sensor_status: {},
  healing: { host: 'pc-1', check_type: 'firewall', action: 'enable_firewall' },
  enable_healing: { reason: 'done' },
  disable_healing: { reason: 'trouble' },
  update_credentials: { name: 'win-admin', sealed: 'YWdl' },
  validate_credential: { name: 'win-admin', host: 'pc-1' },
  rotate_key: {},
  isolate_host: { host: '192.0.2.9', for_s: 3600, reason: 'infected' },
  enable_emergency_access: { for_s: 3600, ssh_public_key: 'ssh-ed25519 AAAA', reason: 'support' },
  disable_emergency_access: {},
  configure_dns: { servers: ['192.0.2.53'] },
  reprovision: { confirm: 'erase this appliance', reason: 'sold' },
  collect_support_bundle: {},
};

describe('the vectors', () => {
  const trust = new Map([
    [vectors.key.key_id, Uint8Array.from(Buffer.from(vectors.key.public_key_hex, 'hex'))],
  ]);

  test.each(vectors.accepted)(
    '$name is opened, and sealed again it is the same bytes',
    ({ envelope, order: expected }) => {
      expect(openOrder(envelope, trust, vectors.reader)).toEqual(expected);
      expect(sealOrder(expected as Order, testKey('order vectors'))).toEqual(envelope);
    },
  );

  test.each(vectors.refused)('$name is refused with $refused', ({ envelope, refused }) => {
    expect(() => openOrder(envelope, trust, vectors.reader)).toThrowError(
      expect.objectContaining({ code: refused }),
    );
  });
});

test('an order is read from what was signed', () => {
  expect(open()).toEqual(order());
});

describe('an order is refused', () => {
  test.each([
    ['for another appliance', { target: 'e'.repeat(64) }, 'ORDER_TARGET'],
    ['whose time is over', { expires_ms: reader.now_ms }, 'ORDER_EXPIRED'],
    ['whose time has not come', { not_before_ms: reader.now_ms + 1 }, 'ORDER_EARLY'],
    ['of a type that this version does not do', { type: 'make_coffee' }, 'ORDER_TYPE_UNKNOWN'],
    ['of a type that every object has', { type: 'constructor' }, 'ORDER_TYPE_UNKNOWN'],
    ['with parameters that do not fit', { parameters: { reboot: 'now' } }, 'ORDER_PARAMETERS'],
    ['with a parameter more', { type: 'restart_agent', parameters: { shell: 'sh' } }, 'ORDER_PARAMETERS'],
    ['that is no order', { attempt: 0 }, 'ORDER_INVALID'],
  ])('%s', (_, changed, code) => {
    expect(() => open(changed)).toThrowError(expect.objectContaining({ code }));
  });

  test('that somebody else signed', () => {
    expect(() => open({}, testKey('stranger'))).toThrowError(
      expect.objectContaining({ code: 'ORDER_UNTRUSTED' }),
    );
  });

  test('that was changed on the way', () => {
    const sealed = sealOrder(order(), coordinator);
    const payload = Buffer.from(JSON.stringify(order({ attempt: 2 }))).toString('base64');
    expect(() => openOrder({ ...sealed, payload }, trusted, reader)).toThrowError(
      expect.objectContaining({ code: 'DSSE_SIGNATURE_WRONG' }),
    );
  });
});

describe('an order type', () => {
  test.each(ORDER_TYPE_NAMES)('%s takes what fits and nothing beside it', (type) => {
    expect(() => checkParameters(type, FITTING[type])).not.toThrow();
    const more = { ...(FITTING[type] as object), surprise: 1 };
    expect(() => checkParameters(type, more)).toThrowError(
      expect.objectContaining({ code: 'ORDER_PARAMETERS' }),
    );
    expect(ORDER_TYPES[type].attempts_max).toBeGreaterThan(0);
    expect(ORDER_TYPES[type].complete_when).not.toBe('');
  });

  test('all of them are those of the reference', () => {
    expect(ORDER_TYPE_NAMES).toHaveLength(24);
  });
});

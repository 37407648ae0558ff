import { expect, it } from 'vitest';
import { HealCommand, RegisterResponse } from '../../../protocol/sensors/generated/compliance.ts';
import { CAPABILITY_TIERS } from '../registry/sensor.ts';
import { commandToWire, tierToWire } from './wire.ts';

it('the tiers are the numbers that others already speak', () => {
  expect(CAPABILITY_TIERS.map(tierToWire)).toEqual([0, 1, 2]);
  // Field 4 as a varint: 0x20.
  const bytes = RegisterResponse.encode(
    RegisterResponse.fromPartial({ capability_tier: tierToWire('full_remediation') }),
  ).finish();
  expect(Buffer.from(bytes).toString('hex')).toBe('2002');
});

it('a command arrives as it was given', () => {
  const wire = commandToWire({
    command_id: 'c-1',
    check_type: 'firewall',
    action: 'start_service',
    params: { service: 'nftables' },
    timeout_s: 90,
  });
  const read = HealCommand.decode(HealCommand.encode(wire).finish());
  expect(read).toEqual({
    command_id: 'c-1',
    check_type: 'firewall',
    action: 'start_service',
    params: { service: 'nftables' },
    timeout_seconds: 90,
  });
});

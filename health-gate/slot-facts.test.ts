import { afterAll, describe, expect, test } from 'vitest';
import type { BootState } from '../partitions/boot-state.ts';
import { FOOTER_BYTES } from '../partitions/slot-blob.ts';
import { LabMachine, manifest, ROOT_HASH } from './lab/machine.ts';
import { describeSlots, readSlotContent, type SlotContent } from './slot-facts.ts';

const state: BootState = { active: 'A', trial: null, attempts: 0, good: { A: true, B: true }, failed: null };
const image: SlotContent = { kind: 'image', manifest: manifest('1.2.3') };
const running = { slot: 'A', mode: 'normal' } as const;

describe('what lies in a slot partition', () => {
  const machine = new LabMachine();
  afterAll(() => machine.remove());

  test('is read from its header and footer', async () => {
    expect(await readSlotContent(machine.makeSlot('A', manifest('2.0.0')))).toEqual({
      kind: 'image',
      manifest: manifest('2.0.0'),
    });
  });

  test('is empty without a header', async () => {
    expect(await readSlotContent(machine.makeSlot('B', null))).toEqual({ kind: 'empty' });
  });

  test('is damaged when the header leads to no manifest', async () => {
    const path = machine.makeSlot('B', manifest('2.0.0'));
    const bytes = new Uint8Array(await Bun.file(path).arrayBuffer());
    bytes.fill(0xff, 32 * 1024, 32 * 1024 + FOOTER_BYTES);
    expect(await readSlotContent(machine.write('root-b', bytes))).toEqual({ kind: 'damaged' });
  });

  test('is not known when the device is absent or ends too early', async () => {
    expect(await readSlotContent(null)).toEqual({ kind: 'unreadable' });
    expect(await readSlotContent(machine.at('absent'))).toEqual({ kind: 'unreadable' });
    const path = machine.makeSlot('B', manifest('2.0.0'));
    const bytes = new Uint8Array(await Bun.file(path).arrayBuffer());
    expect(await readSlotContent(machine.write('root-b', bytes.subarray(0, 33 * 1024)))).toEqual({
      kind: 'unreadable',
    });
  });
});

describe('how the slots stand', () => {
  const stand = (
    a: SlotContent,
    b: SlotContent,
    boot: BootState | null,
    mode: 'normal' | 'trial' = 'normal',
  ) =>
    describeSlots({ A: a, B: b }, boot, { slot: boot?.trial ?? 'A', mode })
      .map((slot) => `${slot.slot} ${slot.state}${slot.running ? ' running' : ''} ${slot.version ?? '-'}`)
      .join(', ');

  test('follows this table', () => {
    expect([
      stand(image, image, state),
      stand(image, image, { ...state, trial: 'B', attempts: 1 }, 'trial'),
      stand(image, image, { ...state, good: { A: true, B: false }, failed: 'B' }),
      stand(image, { kind: 'empty' }, { ...state, good: { A: true, B: false } }),
      stand(image, { kind: 'damaged' }, state),
      stand({ kind: 'unreadable' }, { kind: 'unreadable' }, state),
      stand(image, image, null),
      stand(image, image, null, 'trial'),
    ]).toEqual([
      'A active running 1.2.3, B standby 1.2.3',
      'A active 1.2.3, B trial running 1.2.3',
      'A active running 1.2.3, B bad 1.2.3',
      'A active running 1.2.3, B empty -',
      'A active running 1.2.3, B bad -',
      'A active running -, B standby -',
      'A active running 1.2.3, B standby 1.2.3',
      'A trial running 1.2.3, B standby 1.2.3',
    ]);
  });

  test('carries version, root hash and build date of the image', () => {
    expect(describeSlots({ A: image, B: { kind: 'empty' } }, state, running)[0]).toEqual({
      slot: 'A',
      state: 'active',
      running: true,
      version: '1.2.3',
      rootHash: ROOT_HASH,
      builtAt: '2026-01-01T00:00:00Z',
    });
  });
});

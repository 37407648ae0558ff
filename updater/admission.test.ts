import { describe, expect, test } from 'vitest';
import { admitRelease, type UpdateMachine } from './admission.ts';
import type { BundleManifest } from './bundle/manifest.ts';
import { manifestOfSlot } from './testing/manifest-of-slot.ts';
import { makeSyntheticSlot } from './testing/synthetic-slot.ts';

const RELEASE: BundleManifest = {
  ...manifestOfSlot(makeSyntheticSlot({ blocks: 8, seed: 1, version: '1.3.0' })),
  compatible: ['hp-t640', 'qemu'],
};
const MACHINE: UpdateMachine = {
  hardware: 'hp-t640',
  running: { slot: 'A', version: '1.2.0', root_hash: 'a'.repeat(64) },
  target_bytes: 1024 ** 3,
  rejected: [],
};
const refusal = (manifest: Partial<BundleManifest>, machine: Partial<UpdateMachine>, allowed = {}) => {
  try {
    admitRelease({ ...RELEASE, ...manifest }, { ...MACHINE, ...machine }, allowed);
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const running = (version: string, root_hash = 'a'.repeat(64)) => ({
  running: { slot: 'A' as const, version, root_hash },
});
const rejected = (version: string, root_hash: string) => ({
  rejected: [{ version, root_hash, at: '2026-11-20T00:00:00Z', reason: 'the health gate refused it' }],
});

describe('a release', () => {
  test('for this hardware that is newer and fits is admitted', () => {
    expect(refusal({}, {})).toBeNull();
  });

  test.each([
    ['for other hardware', { compatible: ['hp-t740'] }, {}, 'UPDATE_WRONG_HARDWARE'],
    ['on hardware that is not listed', {}, { hardware: null }, 'UPDATE_WRONG_HARDWARE'],
    ['that runs already', {}, running('1.3.0', RELEASE.slot.root_hash), 'UPDATE_ALREADY_RUNNING'],
    ['older than what runs', {}, running('1.3.1'), 'UPDATE_DOWNGRADE'],
    ['whose pre-release precedes what runs', { version: '1.2.0-rc.1' }, {}, 'UPDATE_DOWNGRADE'],
    ['that needs a step between', { replaces_min: '1.2.1' }, {}, 'UPDATE_STEP_MISSING'],
    ['whose version was given up', {}, rejected('1.3.0', 'b'.repeat(64)), 'UPDATE_REJECTED_BEFORE'],
    ['whose bytes were given up', {}, rejected('1.2.9', RELEASE.slot.root_hash), 'UPDATE_REJECTED_BEFORE'],
    ['larger than the slot', {}, { target_bytes: RELEASE.slot.blob_bytes - 1 }, 'UPDATE_SLOT_TOO_SMALL'],
    [
      'as a delta from another base',
      { base: { version: '1.2.0', root_hash: 'c'.repeat(64) } },
      {},
      'UPDATE_WRONG_BASE',
    ],
  ] as const)('%s is refused', (_, manifest, machine, code) => {
    expect(refusal(manifest as unknown as Partial<BundleManifest>, machine as Partial<UpdateMachine>)).toBe(
      code,
    );
  });

  test.each([
    ['exactly as large as the slot', {}, { target_bytes: RELEASE.slot.blob_bytes }, {}],
    ['of the same version and other bytes', {}, running('1.3.0'), {}],
    ['that just reaches the lowest version it may replace', { replaces_min: '1.2.0' }, {}, {}],
    ['as a delta from what runs', { base: { version: '1.2.0', root_hash: 'a'.repeat(64) } }, {}, {}],
    ['for other hardware, when an operator says so', {}, { hardware: null }, { anyHardware: true }],
    ['older than what runs, when an operator says so', {}, running('9.0.0'), { downgrade: true }],
    [
      'that was given up, when an operator says so',
      {},
      rejected('1.3.0', 'b'.repeat(64)),
      { rejected: true },
    ],
  ] as const)('%s is admitted', (_, manifest, machine, allowed) => {
    expect(
      refusal(manifest as Partial<BundleManifest>, machine as unknown as Partial<UpdateMachine>, allowed),
    ).toBeNull();
  });

  test('is refused for its size and its base whatever an operator says', () => {
    const everything = { anyHardware: true, downgrade: true, rejected: true };
    expect(refusal({}, { target_bytes: 4096 }, everything)).toBe('UPDATE_SLOT_TOO_SMALL');
    const base = { version: '1.2.0', root_hash: 'c'.repeat(64) };
    expect(refusal({ base }, {}, everything)).toBe('UPDATE_WRONG_BASE');
  });
});

import { describe, expect, test } from 'vitest';
import { type BootState, initialState } from './boot-state.ts';
import { detectSlot, parseBootCommandLine, slotByState } from './slot-detection.ts';

const activeB: BootState = initialState('B');

describe('which slot runs', () => {
  test.each([
    ['command line', 'ab.partition=A', activeB, 'B' as const, 'A', 'command-line'],
    ['state file', 'quiet', activeB, 'A' as const, 'B', 'state-file'],
    ['mounted device', '', null, 'A' as const, 'A', 'mount'],
  ])(
    'is what the %s says when nothing before it speaks',
    (_name, commandLine, bootState, mountedSlot, slot, source) => {
      expect(detectSlot({ commandLine, bootState, mountedSlot })).toMatchObject({ slot, source });
    },
  );

  test('is not known when nothing speaks', () => {
    expect(detectSlot({ commandLine: 'quiet', bootState: null, mountedSlot: null })).toEqual({
      slot: null,
      source: null,
      contradiction: null,
    });
  });

  test('comes with the contradiction, if there is one', () => {
    expect(
      detectSlot({ commandLine: 'ab.partition=A', bootState: activeB, mountedSlot: 'A' }).contradiction,
    ).toBe('command-line says A, state-file says B, mount says A');
    expect(
      detectSlot({ commandLine: 'ab.partition=B', bootState: activeB, mountedSlot: 'B' }).contradiction,
    ).toBeNull();
  });

  test('follows from the state: a counted trial, or else the active slot', () => {
    expect(slotByState({ ...activeB, trial: 'A', attempts: 1 })).toBe('A');
    expect(slotByState({ ...activeB, trial: 'A', attempts: 0 })).toBe('B');
    expect(slotByState({ ...activeB, attempts: 4 })).toBe('B');
    expect(slotByState({ ...activeB, attempts: 5 })).toBeNull();
  });
});

describe('the command line', () => {
  test('gives slot, attempt and mode', () => {
    expect(parseBootCommandLine('BOOT_IMAGE=x ab.partition=B ab.attempt=2 ab.mode=trial quiet\n')).toEqual({
      slot: 'B',
      attempt: 2,
      mode: 'trial',
    });
  });

  test.each([
    ['nothing there', 'quiet'],
    ['other words', 'ab.partition=C ab.attempt=9 ab.mode=odd'],
    ['two answers', 'ab.partition=A ab.partition=B ab.attempt=1 ab.attempt=2 ab.mode=trial ab.mode=normal'],
    ['words inside words', 'xab.partition=A xab.attempt=1 xab.mode=trial'],
  ])('gives nothing for %s', (_name, text) => {
    expect(parseBootCommandLine(text)).toEqual({ slot: null, attempt: null, mode: null });
  });
});

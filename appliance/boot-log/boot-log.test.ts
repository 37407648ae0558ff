import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BootLog, bootLogFileName, bootLogNumber, parseBootLog, renderBootLog } from './boot-log.ts';

const LOG: BootLog = {
  ...{ number: 17, at: '2026-11-21T06:38:00.000Z', slot: 'B', attempt: 3, mode: 'trial', version: '0.0.1' },
  ...{ bootId: '8e9a85a3', ending: 'panic', cut: true, damaged: false },
  lines: ['[    0.1] first', '', '[    6.1] Kernel panic - not syncing: x'],
};

test('the file is readable as it is: what is known, an empty line, the text', () => {
  expect(renderBootLog(LOG)).toBe(
    `bulkhead-boot-log 1
at: 2026-11-21T06:38:00.000Z
slot: B
attempt: 3
mode: trial
version: 0.0.1
boot: 8e9a85a3
ending: panic
cut: true
damaged: false

[    0.1] first

[    6.1] Kernel panic - not syncing: x
`,
  );
});

test('every log comes back from its file as it was', () => {
  const word = fc.stringMatching(/^[\w.+-]{1,20}$/);
  const orNull = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: null });
  const line = fc.string({ unit: fc.constantFrom(...'ab [:]0ü') });
  const logs: fc.Arbitrary<BootLog> = fc.record({
    number: fc.nat(999_999),
    at: orNull(fc.date({ min: new Date(0), noInvalidDate: true }).map((date) => date.toISOString())),
    slot: orNull(fc.constantFrom('A' as const, 'B' as const)),
    attempt: orNull(fc.nat(5)),
    mode: orNull(fc.constantFrom('normal' as const, 'trial' as const, 'rescue' as const)),
    version: orNull(word),
    bootId: orNull(word),
    ending: fc.constantFrom('clean' as const, 'panic' as const, 'stopped' as const),
    cut: fc.boolean(),
    damaged: fc.boolean(),
    // One empty line and none are the same text.
    lines: fc.array(line).filter((lines) => lines.length !== 1 || lines[0] !== ''),
  });
  fc.assert(
    fc.property(logs, (log) => {
      expect(parseBootLog(log.number, renderBootLog(log))).toEqual(log);
      expect(bootLogNumber(bootLogFileName(log))).toBe(log.number);
    }),
  );
});

test.each([
  ['nothing', ''],
  ['another format', renderBootLog(LOG).replace('log 1', 'log 2')],
  ['no ending', renderBootLog(LOG).replace('ending: panic\n', '')],
  ['an ending that there is not', renderBootLog(LOG).replace('ending: panic', 'ending: well')],
  ['half of it', renderBootLog(LOG).slice(0, 60)],
  ['an end that is missing', renderBootLog(LOG).slice(0, -1)],
])('a file with %s is no log', (_, file) => {
  expect(parseBootLog(1, file)).toBeNull();
});

test('a value that cannot be is not known', () => {
  const odd = renderBootLog(LOG)
    .replace('slot: B', 'slot: C')
    .replace('attempt: 3', 'attempt: 12')
    .replace('at: 2026', 'at: soon');
  expect(parseBootLog(17, odd)).toEqual({ ...LOG, slot: null, attempt: null, at: null });
});

test.each(['17-B.txt', '000017-C.txt', '000017-B.txt.new', 'incoming', '000017-b.txt'])(
  '%s is no name of a log',
  (name) => {
    expect(bootLogNumber(name)).toBeNull();
  },
);

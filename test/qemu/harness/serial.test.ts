import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SerialText, TimedLines } from './serial-text.ts';
import { findInSerial } from './serial-wait.ts';

const encode = (text: string) => new TextEncoder().encode(text);

describe('console text', () => {
  const RAW =
    '\x1b[2J\x1b[01;01H\x1b[=3h\x1b[!pBoot\x1b[0;32m OK \x1b[0m\r\n\x1b]0;title\x07grüße\x1b(B\x1b=\r\n';

  test('has no colours, cursor movements and carriage returns', () => {
    const serial = new SerialText();
    serial.push(encode(RAW));
    expect(serial.text).toBe('Boot OK \ngrüße\n');
  });

  test('is the same however the bytes are cut', () => {
    const bytes = encode(RAW);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
        const serial = new SerialText();
        const sorted = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        for (const [index, cut] of sorted.entries()) serial.push(bytes.subarray(sorted[index - 1] ?? 0, cut));
        expect(serial.text).toBe('Boot OK \ngrüße\n');
      }),
    );
  });

  test('gives the text from a position on, and the last lines', () => {
    const serial = new SerialText();
    serial.push(encode('one\ntwo\n'));
    const position = serial.end;
    serial.push(encode('three\nfour'));
    expect(serial.from(position)).toBe('three\nfour');
    expect(serial.lastLines(2)).toBe('three\nfour');
  });

  test('is written with a time before each line, also when lines come in pieces', () => {
    const clock = { now_ms: 1_234 };
    const lines = new TimedLines(() => clock.now_ms);
    const first = lines.stamp('one\ntw');
    clock.now_ms = 5_000;
    expect(first + lines.stamp('o\n') + lines.stamp('') + lines.stamp('three\n')).toBe(
      '    1.234 one\n    1.234 two\n    5.000 three\n',
    );
  });
});

describe('a wait', () => {
  const PANIC = 'ok\nKernel panic - not syncing: dead\n';

  test('ends with the match, its groups and where it ended', () => {
    expect(findInSerial('slot=B mode=trial', /slot=([AB]) (x)?/, false)).toEqual({
      kind: 'match',
      match: { text: 'slot=B ', groups: ['B', ''] },
      end: 7,
    });
    expect(findInSerial('no such', 'thing', false)).toEqual({ kind: 'nothing' });
  });

  test('ends with a panic, unless that was expected or the match came first', () => {
    expect(findInSerial(PANIC, 'login:', false)).toEqual({
      kind: 'panic',
      line: 'Kernel panic - not syncing: dead',
    });
    expect(findInSerial(PANIC, 'login:', true)).toEqual({ kind: 'nothing' });
    expect(findInSerial(PANIC, 'ok', false).kind).toBe('match');
    expect(findInSerial(PANIC, /panic.*dead/, false).kind).toBe('match');
    expect(findInSerial(`${PANIC}login:`, 'login:', false).kind).toBe('panic');
  });

  test('takes a sticky or global expression as it takes any other', () => {
    const pattern = /k/gy;
    pattern.lastIndex = 1;
    expect(findInSerial('ok', pattern, false).kind).toBe('match');
  });
});

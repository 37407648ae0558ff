import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BOOT_LOG_TEXT_MAX_BYTES } from './limits.ts';
import { lastLines, parseRecord } from './record.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const RECORD = `Panic#1 Part1
<5>[    0.000000] Linux version 6.12.117+deb13-amd64
<13>[    3.504164] bulkhead-initrd: start
<13>[    3.511000] bulkhead-initrd: boot slot=B attempt=3 mode=trial id=8e9a85a3-98fd-4d2a-95c9-0d5dd17ac4a9
<13>[    5.900000] bulkhead-initrd: boot slot=B attempt=3 mode=trial id=8e9a85a3-98fd-4d2a-95c9-0d5dd17ac4a9 version=0.0.1
<13>[    5.926431] bulkhead-initrd: switch root
<0>[    6.100000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100
<6>[    6.200000] Kernel Offset: 0x1a000000 from 0xffffffff81000000

ECC: No errors detected
`;

describe('a record of the kernel', () => {
  test('says which boot it is from and how that ended', () => {
    expect(parseRecord(bytes(RECORD))).toEqual({
      ...{ slot: 'B', attempt: 3, mode: 'trial', version: '0.0.1', ending: 'panic' },
      ...{ bootId: '8e9a85a3-98fd-4d2a-95c9-0d5dd17ac4a9', cut: false, damaged: false },
      lines: [
        '[    0.000000] Linux version 6.12.117+deb13-amd64',
        '[    3.504164] bulkhead-initrd: start',
        '[    3.511000] bulkhead-initrd: boot slot=B attempt=3 mode=trial id=8e9a85a3-98fd-4d2a-95c9-0d5dd17ac4a9',
        '[    5.900000] bulkhead-initrd: boot slot=B attempt=3 mode=trial id=8e9a85a3-98fd-4d2a-95c9-0d5dd17ac4a9 version=0.0.1',
        '[    5.926431] bulkhead-initrd: switch root',
        '[    6.100000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100',
        '[    6.200000] Kernel Offset: 0x1a000000 from 0xffffffff81000000',
      ],
    });
  });

  test('of a boot that died before it found out its version has none', () => {
    const early = RECORD.split('\n').filter((line) => !line.includes('version=') && !line.includes('switch'));
    expect(parseRecord(bytes(early.join('\n')))).toMatchObject({ slot: 'B', version: null, ending: 'panic' });
  });

  test('names no slot when the initrd never spoke, or what it said is impossible', () => {
    const unknown = { slot: null, attempt: null, mode: null, version: null, bootId: null };
    expect(parseRecord(bytes('<5>[    0.000000] Linux version 6\n'))).toMatchObject(unknown);
    expect(
      parseRecord(bytes('<13>[ 1.0] bulkhead-initrd: boot slot= attempt=9 mode=odd id=\n')),
    ).toMatchObject(unknown);
  });

  test('believes the first who speaks, which is the initrd', () => {
    const forged = RECORD.replace(
      '<0>[    6.1',
      '<30>[ 6.0] bulkhead-initrd: boot slot=A attempt=1 mode=normal id=x version=9.9.9\n<0>[    6.1',
    );
    expect(parseRecord(bytes(forged))).toMatchObject({ slot: 'B', attempt: 3, version: '0.0.1' });
  });

  test('tells when bits were lost that could not be repaired', () => {
    const ecc = (words: string) => bytes(RECORD.replace('No errors detected', words));
    expect(parseRecord(ecc('7 Corrected bytes, 2 unrecoverable blocks')).damaged).toBe(true);
    expect(parseRecord(ecc('7 Corrected bytes, 0 unrecoverable blocks')).damaged).toBe(false);
  });

  test('keeps the end of a long log, and still knows its beginning', () => {
    const noise = Array.from(
      { length: 4000 },
      (_, index) => `<6>[   10.000000] line ${index} ${'x'.repeat(20)}`,
    );
    const long = RECORD.replace('<0>[    6.1', `${noise.join('\n')}\n<0>[    6.1`);
    const { lines, cut, slot, ending } = parseRecord(bytes(long));
    expect([cut, slot, ending]).toEqual([true, 'B', 'panic']);
    expect(lines.at(-1)).toContain('Kernel Offset');
    expect(lines[0]).toMatch(/^\[ {3}10\.000000\] line \d+ x+$/);
    const size_bytes = Buffer.byteLength(`${lines.join('\n')}\n`);
    expect(size_bytes).toBeLessThanOrEqual(BOOT_LOG_TEXT_MAX_BYTES);
    expect(size_bytes).toBeGreaterThan(BOOT_LOG_TEXT_MAX_BYTES - 100);
  });

  test('loses what a terminal would act on, and no word', () => {
    const { lines } = parseRecord(
      bytes('<4>[ 1.0] a\tb \u001b[2Jc\u0007 \u0085d \u202ee\u200b\r\n<4>[ 2.0] ü\n'),
    );
    expect(lines).toEqual(['[ 1.0] a b [2Jc d e', '[ 2.0] ü']);
  });

  test('whatever its bytes are becomes bounded, printable lines', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constant('<0>[  1.0] Kernel panic - not syncing'),
    );
    const text = fc.array(line, { maxLength: 50 }).map((lines) => Buffer.from(lines.join('\n')));
    fc.assert(
      fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 2000 })), (raw) => {
        const { lines } = parseRecord(raw);
        expect(lines.join('\n')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}](?<!\n)/u);
        expect(lines.every((shown) => !shown.includes('\n'))).toBe(true);
        expect(lines.at(-1)).not.toBe('');
      }),
    );
  });
});

test('the last lines that fit are taken, never a part of one', () => {
  expect(lastLines(['aaa', 'bb', 'c'], 5)).toEqual(['bb', 'c']);
  expect(lastLines(['aaa', 'bb', 'c'], 4)).toEqual(['c']);
  expect(lastLines(['aaa', 'bb', 'c'], 1)).toEqual([]);
  expect(lastLines(['ü'], 2)).toEqual([]);
  expect(lastLines(['ü'], 3)).toEqual(['ü']);
  fc.assert(
    fc.property(fc.array(fc.string()), fc.nat(200), (lines, max_bytes) => {
      const kept = lastLines(lines, max_bytes);
      expect(lines.slice(lines.length - kept.length)).toEqual(kept);
      expect(kept.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)).toBeLessThanOrEqual(max_bytes);
    }),
  );
});

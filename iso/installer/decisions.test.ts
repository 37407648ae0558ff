import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../base/hardware.ts';
import { planLayout } from '../../partitions/layout.ts';
import { planConsoles, readActiveConsoles, showOnConsoles } from './consoles.ts';
import { checkHardware, readMachine } from './hardware.ts';
import { WIPE_EDGE_BYTES } from './limits.ts';
import { wipeRanges } from './wipe.ts';
import { DEFAULT_WISHES, mergeWishes, wishesFromCommandLine } from './wishes.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-decisions-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('hardware', () => {
  const accepts = (machine: Machine, allowed: 'listed' | 'any' = 'listed') => {
    try {
      checkHardware(machine, allowed);
      return true;
    } catch {
      return false;
    }
  };

  it('that the image is for is accepted: T640, T740, QEMU of every machine type', () => {
    for (const machine of [
      { vendor: 'HP', product: 'HP t640 Thin Client' },
      { vendor: 'HP', product: 'HP T740 Thin Client' },
      { vendor: 'Hewlett-Packard', product: 'HP t640 Thin Client' },
      { vendor: 'QEMU', product: 'Standard PC (Q35 + ICH9, 2009)' },
      { vendor: 'QEMU', product: 'Standard PC (i440FX + PIIX, 1996)' },
    ]) {
      expect(accepts(machine), machine.product).toBe(true);
    }
  });

  it('that only looks similar, or says nothing, is refused, unless any hardware is allowed', () => {
    for (const machine of [
      { vendor: 'HP', product: 'HP t630 Thin Client' },
      { vendor: 'HP', product: 'HP t6400 Thin Client' },
      { vendor: 'Acme', product: 'HP t640 Thin Client' },
      { vendor: 'QEMU Systems', product: 'x' },
      { vendor: 'LENOVO', product: 'QEMU' },
      { vendor: null, product: null },
    ]) {
      expect(accepts(machine), JSON.stringify(machine)).toBe(false);
      expect(accepts(machine, 'any')).toBe(true);
    }
  });

  it('is read from what the kernel shows, and unknown where it shows nothing', () => {
    writeFileSync(join(folder, 'sys_vendor'), 'HP\n');
    expect(readMachine(folder)).toEqual({ vendor: 'HP', product: null });
  });
});

describe('wishes', () => {
  it('are read from the kernel command line between words that mean other things', () => {
    const line =
      'quiet bulkhead.live=1 bulkhead.target=/dev/mmcblk0 bulkhead.hardware=any bulkhead.reinstall=1 panic=30\n';
    expect(wishesFromCommandLine(line)).toEqual({ target: '/dev/mmcblk0', hardware: 'any', reinstall: true });
    expect(wishesFromCommandLine('bulkhead.keep_identity=0 bulkhead.keep_identity=1')).toEqual({
      keepIdentity: true,
    });
    expect(wishesFromCommandLine('')).toEqual({});
  });

  it('with a typing error are an error, not a default', () => {
    for (const word of [
      'bulkhead.hardware=all',
      'bulkhead.target=',
      'bulkhead.reinstall=yes',
      'bulkhead.keep_identity=',
    ]) {
      expect(() => wishesFromCommandLine(`quiet ${word}`), word).toThrow(word);
    }
  });

  it('of a later layer win, and what no layer says is the safe default', () => {
    expect(mergeWishes()).toEqual({
      target: null,
      hardware: 'listed',
      reinstall: false,
      keepIdentity: false,
    });
    const merged = mergeWishes(
      { ...DEFAULT_WISHES, target: 'sda', keepIdentity: true },
      { target: 'sdb' },
      { hardware: 'any' },
    );
    expect(merged).toEqual({ target: 'sdb', hardware: 'any', reinstall: false, keepIdentity: true });
  });
});

describe('the wipe', () => {
  const disk = fc.record({
    size: fc.integer({ min: 8e9 / 4096, max: 1e12 / 4096 }).map((blocks) => blocks * 4096),
    sector: fc.constantFrom(512, 4096),
  });

  it('covers both ends of the disk and of every partition, inside the disk, aligned, without overlaps', () => {
    fc.assert(
      fc.property(disk, ({ size, sector }) => {
        const layout = planLayout(size, sector, 220e6);
        const ranges = wipeRanges(layout);
        const covers = (at: number) =>
          ranges.some((range) => at >= range.start_bytes && at < range.start_bytes + range.size_bytes);
        for (const { start_bytes, size_bytes } of [
          { start_bytes: 0, size_bytes: size },
          ...Object.values(layout.partitions),
        ]) {
          for (const inside of [0, WIPE_EDGE_BYTES - 1, size_bytes - 1, size_bytes - WIPE_EDGE_BYTES]) {
            expect(covers(start_bytes + inside)).toBe(true);
          }
        }
        let end = -1;
        for (const range of ranges) {
          expect(range.start_bytes).toBeGreaterThan(end);
          expect(range.start_bytes % sector).toBe(0);
          expect(range.size_bytes % sector).toBe(0);
          end = range.start_bytes + range.size_bytes;
        }
        expect(end).toBe(size);
      }),
    );
  });
});

describe('consoles', () => {
  it('are those the kernel uses: the view on the screen, lines on every serial line', () => {
    expect(planConsoles('ttyS0 tty0')).toEqual({ screen: '/dev/tty1', lines: ['/dev/ttyS0'] });
    expect(planConsoles('tty0 ttyS0')).toEqual({ screen: '/dev/tty1', lines: ['/dev/ttyS0'] });
    expect(planConsoles('ttyS1')).toEqual({ screen: null, lines: ['/dev/ttyS1'] });
    expect(planConsoles('')).toEqual({ screen: null, lines: [] });
    expect(readActiveConsoles(join(folder, 'no-sys'))).toBe('');
  });

  it('get every event, and one that is not there or does not work stops nothing', () => {
    const [screen, line] = [join(folder, 'screen'), join(folder, 'line')];
    const emit = showOnConsoles({ screen, lines: ['/dev/full', join(folder, 'none/x'), line] });
    emit({ event: 'step', step: 'wipe', state: 'started' });
    emit({ event: 'step', step: 'wipe', state: 'done' });
    expect(readFileSync(line, 'utf8')).toBe(
      'bulkhead-install: started wipe: Wipe old tables\r\nbulkhead-install: done    wipe: Wipe old tables\r\n',
    );
    expect(readFileSync(screen, 'utf8')).toContain('[x] Wipe old tables');
  });
});

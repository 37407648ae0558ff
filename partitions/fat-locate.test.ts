import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../base/run.ts';
import { locateFile } from './fat-locate.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-fat-'));
afterAll(() => rmSync(folder, { recursive: true }));

const CONTENT = Buffer.from('the sector that is looked for'.padEnd(512, '.'));
const content = join(folder, 'content');
writeFileSync(content, CONTENT);

/** A volume by mkfs.vfat with `ab_state` on it by mcopy, behind `names` other files. */
async function volume(options: string[], size_mib: number, names: string[] = []): Promise<string> {
  const path = join(folder, 'volume');
  rmSync(path, { force: true });
  await runOrThrow(run, 'truncate', ['-s', `${size_mib}M`, path]);
  await runOrThrow(run, 'mkfs.vfat', [...options, path]);
  for (const name of names) await runOrThrow(run, 'mcopy', ['-i', path, content, `::/${name}`]);
  await runOrThrow(run, 'mcopy', ['-i', path, content, '::/ab_state']);
  return path;
}

const locateIn = (bytes: Buffer, name: string) =>
  locateFile((offset, size) => bytes.subarray(offset, offset + size), name);

function contentOf(path: string, name = 'ab_state'): string | undefined {
  const bytes = readFileSync(path);
  const place = locateIn(bytes, name);
  if (place?.offset_bytes === undefined) return undefined;
  return bytes.subarray(place.offset_bytes, place.offset_bytes + place.size_bytes).toString();
}

describe('a file on a FAT volume', () => {
  test.each([
    ['FAT32', ['-F', '32', '-s', '1'], 48],
    ['FAT32 with 4 KiB clusters', ['-F', '32', '-s', '8'], 300],
    ['FAT32 with two-sector clusters', ['-F', '32', '-s', '2'], 80],
    ['FAT32 on 4096-byte sectors', ['-F', '32', '-S', '4096'], 300],
    ['FAT16', ['-F', '16'], 32],
    ['FAT16 on 4096-byte sectors', ['-F', '16', '-S', '4096'], 64],
    ['FAT12', ['-F', '12'], 4],
  ])('is found on %s', async (_name, options, size_mib) => {
    expect(contentOf(await volume(options, size_mib))).toBe(CONTENT.toString());
  });

  test('is found where the root directory spans clusters, behind deleted and long names', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `a rather long name of a file ${index}.text`);
    const path = await volume(['-F', '32', '-s', '1'], 48, names);
    await runOrThrow(run, 'mdel', ['-i', path, '::/a rather long name of a file 3.text']);
    expect(contentOf(path)).toBe(CONTENT.toString());
    expect(contentOf(path, 'a rather long name of a file 29.text')).toBe(CONTENT.toString());
    expect(contentOf(path, 'A RATHER LONG NAME OF A FILE 29.TEXT')).toBe(CONTENT.toString());
    expect(contentOf(path, 'a rather long name of a file 3.text')).toBeUndefined();
  });

  test('is not a folder or a label of that name', async () => {
    const path = await volume(['-F', '32', '-s', '1', '-n', 'LABEL'], 48);
    await runOrThrow(run, 'mmd', ['-i', path, '::/FOLDER']);
    const bytes = readFileSync(path);
    expect(locateIn(bytes, 'LABEL')).toBeUndefined();
    expect(locateIn(bytes, 'FOLDER')).toBeUndefined();
    expect(locateIn(bytes, 'ab_state2')).toBeUndefined();
  });

  test('has no place while it is empty', async () => {
    const path = await volume(['-F', '32', '-s', '1'], 48);
    await runOrThrow(run, 'mdel', ['-i', path, '::/ab_state']);
    writeFileSync(join(folder, 'nothing'), '');
    await runOrThrow(run, 'mcopy', ['-i', path, join(folder, 'nothing'), '::/ab_state']);
    expect(locateIn(readFileSync(path), 'ab_state')).toEqual({ offset_bytes: undefined, size_bytes: 0 });
  });
});

describe('a damaged volume', () => {
  test('is refused by name', () => {
    for (const bytes of [Buffer.alloc(4096), Buffer.alloc(4096, 0xff)]) {
      expect(() => locateIn(bytes, 'ab_state')).toThrow(expect.objectContaining({ code: 'FAT_DAMAGED' }));
    }
  });

  test('with a directory that runs in a circle is refused, not walked for ever', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `a rather long name of a file ${index}.text`);
    const bytes = readFileSync(await volume(['-F', '32', '-s', '1'], 48, names));
    const fat_bytes = bytes.readUInt16LE(14) * 512;
    bytes.writeUInt32LE(bytes.readUInt32LE(44), fat_bytes + bytes.readUInt32LE(44) * 4);
    expect(() => locateIn(bytes, 'not there')).toThrow(expect.objectContaining({ code: 'FAT_DAMAGED' }));
  });

  test('never leads outside itself, whatever its bytes are', async () => {
    const clean = readFileSync(await volume(['-F', '32', '-s', '1'], 48));
    const root = locateIn(clean, 'ab_state')?.offset_bytes ?? 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.oneof(fc.nat(511), fc.integer({ min: root - 4096, max: root + 511 })), fc.nat(255)),
          { minLength: 1, maxLength: 6 },
        ),
        (flips) => {
          const before = flips.map(([at]) => clean[at] ?? 0);
          for (const [at, value] of flips) clean[at] = value;
          try {
            const place = locateFile((offset, size) => {
              if (offset < 0 || size > 256 * 1024 * 1024) throw new RangeError('asked for nonsense');
              const bytes = clean.subarray(offset, offset + size);
              if (bytes.length !== size) throw new Error('past the end: the device refuses');
              return bytes;
            }, 'ab_state');
            expect(place?.offset_bytes ?? 512).toBeGreaterThan(0);
          } catch (error) {
            expect(error).not.toBeInstanceOf(RangeError);
          } finally {
            // Backwards, because two flips may hit the same byte.
            for (const [index, [at]] of [...flips.entries()].reverse()) clean[at] = before[index] ?? 0;
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { arrowsOf } from '../test/repository/imports.ts';
import { readText } from '../test/repository/tree.ts';
import { IMAGE_SOURCES, imageStamp, type StampInputs } from './image-stamp.ts';

/** Every file of ours that a program imports, itself included. */
function closure(entry: string): string[] {
  const found = new Set([entry]);
  for (const file of found)
    if (/\.tsx?$/.test(file)) for (const { to } of arrowsOf(file, readText(file))) found.add(to);
  return [...found];
}

test('whatever the program and the builder import is among the sources of an image', () => {
  const imported = [...closure('appliance/main.ts'), ...closure('scripts/build.ts')];
  expect(imported.length).toBeGreaterThan(200);
  const covered = (file: string) =>
    IMAGE_SOURCES.some((source) => file === source || file.startsWith(`${source}/`));
  expect(imported.filter((file) => !covered(file))).toEqual([]);
});

/** A checkout with one file in the place of each source. */
function checkout(): { inputs: StampInputs; write: (path: string, text: string) => void } {
  const source = mkdtempSync(join(tmpdir(), 'bulkhead-stamp-'));
  onTestFinished(() => rmSync(source, { recursive: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), text);
  };
  for (const path of IMAGE_SOURCES) write(path.includes('.') ? path : `${path}/file`, path);
  write('keyset.json', '{}');
  const inputs = {
    ...{ source, firmware: true, keysetFile: join(source, 'keyset.json'), environment: {} },
    revision: { id: 'abc', time: '2026-11-21T00:00:00.000Z' },
  };
  return { inputs, write };
}

test('a change of any source changes the stamp, and a test beside it does not', () => {
  const { inputs, write } = checkout();
  const before = imageStamp(inputs);
  expect(imageStamp(inputs)).toBe(before);
  for (const path of IMAGE_SOURCES) {
    const file = path.includes('.') ? path : `${path}/file`;
    write(file, 'changed');
    expect(imageStamp(inputs), path).not.toBe(before);
    write(file, path);
  }
  write('appliance/file.test.ts', 'x');
  expect(imageStamp(inputs)).toBe(before);
  chmodSync(join(inputs.source, 'iso/file'), 0o755);
  expect(imageStamp(inputs), 'the init of the initrd has to stay executable').not.toBe(before);
});

test('so do firmware, key set, commit and the compression of the ISO', () => {
  const { inputs, write } = checkout();
  const stamps = [
    inputs,
    { ...inputs, firmware: false },
    { ...inputs, revision: { ...inputs.revision, id: 'abc-dirty' } },
    { ...inputs, revision: { ...inputs.revision, time: '2026-11-22T00:00:00.000Z' } },
    { ...inputs, environment: { BULKHEAD_FAST_ISO: '1' } },
  ].map(imageStamp);
  write('keyset.json', '{"version":2}');
  stamps.push(imageStamp(inputs));
  expect(new Set(stamps).size).toBe(stamps.length);
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findMirror } from './mirror.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-apt-'));
  mkdirSync(join(folder, 'sources.list.d'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('takes the mirror and the security archive that the machine is configured for', () => {
  writeFileSync(
    join(folder, 'sources.list.d/debian.sources'),
    'Types: deb\nURIs: https://mirror.example/debian/\nSuites: stable\n\nTypes: deb\nURIs: https://mirror.example/debian-security\n',
  );
  expect(findMirror({}, folder)).toEqual({
    main: 'https://mirror.example/debian',
    security: 'https://mirror.example/debian-security',
  });
});

test('reads one-line sources with options and leaves other archives alone', () => {
  writeFileSync(
    join(folder, 'sources.list'),
    'deb [signed-by=/key] https://packages.example/tool stable main\n# deb https://old.example/debian x main\ndeb [arch=amd64] http://near.example/debian stable main\n',
  );
  expect(findMirror({}, folder)).toEqual({
    main: 'http://near.example/debian',
    security: 'http://near.example/debian-security',
  });
});

test('lets the environment choose', () => {
  expect(findMirror({ BULKHEAD_DEBIAN_MIRROR: 'http://a.example/d/' }, folder).main).toBe(
    'http://a.example/d',
  );
});

test('says what to set when no mirror is known', () => {
  expect(() => findMirror({}, folder)).toThrow(expect.objectContaining({ code: 'IMAGE_NO_MIRROR' }));
});

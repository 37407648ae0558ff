import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeRequest, writeRequest } from './request-file.ts';
import { parseSize } from './size-option.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-request-'));
  path = join(folder, 'update-request.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const REQUEST = {
  format: 1 as const,
  urls: ['https://releases.example.org/a.bundle'],
  delta_only: false,
  reboot: true,
};

test('a request is taken once', () => {
  writeRequest(path, REQUEST);
  expect(takeRequest(path)).toEqual(REQUEST);
  expect(existsSync(path)).toBe(false);
});

test.each([
  ['no JSON', '{"format":'],
  ['a file path instead of a URL', JSON.stringify({ ...REQUEST, urls: ['/var/lib/msp/agent/evil.bundle'] })],
  ['another protocol', JSON.stringify({ ...REQUEST, urls: ['file:///etc/shadow'] })],
  ['no URL', JSON.stringify({ ...REQUEST, urls: [] })],
  ['an allowance that only an operator has', JSON.stringify({ ...REQUEST, allow_downgrade: true })],
  ['more than a request holds', JSON.stringify({ ...REQUEST, urls: [`https://x/${'a'.repeat(40_000)}`] })],
])('a request with %s is refused and gone', (_, text) => {
  writeFileSync(path, text);
  expect(() => takeRequest(path)).toThrow(expect.objectContaining({ code: 'UPDATE_REQUEST_INVALID' }));
  expect(existsSync(path)).toBe(false);
});

test('a link is not followed, and what it leads to stays', () => {
  const secret = join(folder, 'secret');
  writeFileSync(secret, JSON.stringify(REQUEST));
  symlinkSync(secret, path);
  expect(() => takeRequest(path)).toThrow(expect.objectContaining({ code: 'UPDATE_REQUEST_INVALID' }));
  expect(existsSync(secret)).toBe(true);
  expect(existsSync(path)).toBe(false);
});

test('a folder in its place is refused and does not trigger for ever', () => {
  mkdirSync(join(path, 'below'), { recursive: true });
  writeFileSync(join(folder, 'outside'), 'stays');
  symlinkSync(folder, join(path, 'below/up'));
  expect(() => takeRequest(path)).toThrow(expect.objectContaining({ code: 'UPDATE_REQUEST_INVALID' }));
  expect(existsSync(path)).toBe(false);
  expect(existsSync(join(folder, 'outside'))).toBe(true);
});

test('sizes are whole numbers with a binary unit', () => {
  expect(['20M', '500k', '1G', '4096'].map((text) => parseSize(text, '--max-fetch'))).toEqual([
    20 * 1024 ** 2,
    500 * 1024,
    1024 ** 3,
    4096,
  ]);
  for (const text of ['', '0', '-1', '1.5M', '10X', 'M', '1e9'])
    expect(() => parseSize(text, '--max-fetch')).toThrow(/no size/);
});

import { mkdirSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../base/run.ts';
import { askTimeServer, parseTimeServer, readSynchronised, readZone } from './clock.ts';
import { type FactTree, makeFactTree } from './fact-tree.ts';

let tree: FactTree;
beforeEach(() => {
  tree = makeFactTree();
});
afterEach(() => tree.remove());

describe('the time zone', () => {
  test('is what /etc/localtime points to, also relatively', () => {
    mkdirSync(`${tree.root}/etc`);
    symlinkSync('../usr/share/zoneinfo/Europe/Berlin', `${tree.root}/etc/localtime`);
    expect(readZone(`${tree.root}/etc`)).toBe('Europe/Berlin');
  });

  test('is found through the link in /run that the image has', () => {
    mkdirSync(`${tree.root}/etc`);
    mkdirSync(`${tree.root}/run`);
    symlinkSync(`${tree.root}/run/localtime`, `${tree.root}/etc/localtime`);
    symlinkSync('/usr/share/zoneinfo/Asia/Tokyo', `${tree.root}/run/localtime`);
    expect(readZone(`${tree.root}/etc`)).toBe('Asia/Tokyo');
  });

  test('is UTC without /etc/localtime, as localtime(5) says', () => {
    expect(readZone(`${tree.root}/etc`)).toBe('UTC');
  });
});

test('nobody knows whether the clock is right where timesyncd has not run; then it is not; then it is', () => {
  const folder = `${tree.root}/run`;
  expect(readSynchronised(folder)).toBeNull();
  mkdirSync(`${folder}/systemd/timesync`, { recursive: true });
  expect(readSynchronised(folder)).toBe(false);
  tree.write('run/systemd/timesync/synchronized', '');
  expect(readSynchronised(folder)).toBe(true);
});

describe('the time server', () => {
  const NTP_TYPE = '"type":"(uuuuittayttttbtt)"';
  const times = (origin: number, receive: number, transmit: number, destination: number) =>
    `{${NTP_TYPE},"data":[0,4,4,2,-23,1000,2000,[192,0,2,1],${origin},${receive},${transmit},${destination},false,3,50]}`;

  test('and the offset of RFC 5905 are read from what busctl prints', () => {
    // Sent at 100.000 s by our clock, received at 100.260 by theirs, sent back at 100.261, arrived at 100.021.
    const text = `{"type":"s","data":"0.debian.pool.ntp.org"}\n${times(100_000_000, 100_260_000, 100_261_000, 100_021_000)}\n`;
    expect(parseTimeServer(text)).toEqual({ server: '0.debian.pool.ntp.org', offset_ms: 250 });
  });

  test('are not known before the first answer', () => {
    expect(parseTimeServer(`{"type":"s","data":""}\n${times(0, 0, 0, 0)}\n`)).toEqual({
      server: null,
      offset_ms: null,
    });
  });

  test('are not known from words that are no JSON', () => {
    expect(parseTimeServer('Failed to connect\n')).toEqual({ server: null, offset_ms: null });
    expect(parseTimeServer('')).toEqual({ server: null, offset_ms: null });
  });

  test('asked of the real busctl where no timesyncd is on the bus, is an error and not a guess', async () => {
    await expect(askTimeServer(run)).rejects.toMatchObject({ name: 'BulkheadError' });
  });
});

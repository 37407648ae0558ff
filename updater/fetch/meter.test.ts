import { afterEach, describe, expect, test } from 'vitest';
import { readRange } from '../source.ts';
import { httpSource } from './http-source.ts';
import { fileServer } from './lab/file-server.ts';
import { codeOf, collect, SteppingClock, sameBytes, sampleFile } from './lab/lab.ts';
import { rawServer } from './lab/raw-server.ts';
import { BURST_MS } from './limits.ts';
import { TransferMeter } from './meter.ts';
import type { FetchOptions } from './options.ts';

const MIB = 1024 * 1024;
const file = sampleFile(100_000);
const never = new AbortController().signal;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function open(urls: string[], options: FetchOptions = {}) {
  const source = httpSource(urls, { clock: new SteppingClock(), attempts_max: 5, ...options });
  cleanups.push(source.close);
  return source;
}

function serve(...args: Parameters<typeof fileServer>) {
  const server = fileServer(...args);
  cleanups.push(server.stop);
  return server;
}

describe('the bandwidth limit', () => {
  test('makes bytes take as long as they should, but for the first burst', async () => {
    const clock = new SteppingClock();
    const meter = new TransferMeter({ limit_bytes_per_s: 1_000, clock });
    const began_ms = clock.now_ms();
    for (let count = 0; count < 100; count += 1) await meter.take(50, never);
    expect(clock.now_ms() - began_ms).toBeCloseTo(5_000 - BURST_MS, 3);
  });

  test('is not saved up while nothing is read', async () => {
    const clock = new SteppingClock();
    const meter = new TransferMeter({ limit_bytes_per_s: 1_000, clock });
    await meter.take(50, never);
    clock.pass(3_600_000);
    const began_ms = clock.now_ms();
    for (let count = 0; count < 100; count += 1) await meter.take(50, never);
    expect(clock.now_ms() - began_ms).toBeCloseTo(5_000 - BURST_MS, 3);
  });

  test('is shared by all who use one meter', async () => {
    const clock = new SteppingClock();
    const meter = new TransferMeter({ limit_bytes_per_s: 10_000, clock });
    const { url } = serve(file);
    const began_ms = clock.now_ms();
    const [one, two] = [open([url], { meter }), open([url], { meter })];
    await collect(one, 0, 50_000);
    await collect(two, 0, 50_000);
    expect(clock.now_ms() - began_ms).toBeGreaterThanOrEqual(10_000 - BURST_MS);
    expect(one.transferred_bytes).toBe(100_000);
  });

  test('holds in real time', async () => {
    const source = httpSource([serve(file).url], { limit_bytes_per_s: 200_000 });
    cleanups.push(source.close);
    const began_ms = performance.now();
    expect(sameBytes(await collect(source, 0, file.length), file)).toBe(true);
    // Timers may fire a millisecond early.
    expect(performance.now() - began_ms).toBeGreaterThan(500 - BURST_MS - 5);
  });

  test('slows the server down, so that nothing piles up', async () => {
    let passed_bytes = 0;
    const part = new Uint8Array(64 * 1024);
    const server = await rawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${200 * MIB}\r\n\r\n`);
      const more = () => {
        while (!socket.destroyed && passed_bytes < 200 * MIB) {
          passed_bytes += part.length;
          if (!socket.write(part)) return;
        }
      };
      socket.on('drain', more);
      more();
    });
    cleanups.push(server.stop);
    const source = httpSource([server.url], { limit_bytes_per_s: 2 * MIB });
    cleanups.push(source.close);
    let read_bytes = 0;
    for await (const got of source.read(0, 200 * MIB)) {
      read_bytes += got.length;
      if (read_bytes > 3 * MIB) break;
    }
    // What lies between is the kernel's two socket buffers (some 10 MiB where they are large) and what the runtime keeps.
    expect(passed_bytes - read_bytes).toBeLessThan(40 * MIB);
  });

  test('that is called off does not wait to its end', async () => {
    const control = new AbortController();
    const source = httpSource([serve(file).url], { limit_bytes_per_s: 10, signal: control.signal });
    cleanups.push(source.close);
    const reading = codeOf(collect(source, 0, file.length));
    setTimeout(() => control.abort(), 50);
    expect(await reading).toBe('FETCH_ABORTED');
  });
});

describe('the data cap', () => {
  test('is compared before a request is made', async () => {
    const server = serve(file);
    const source = open([server.url], { max_bytes: 10_000 });
    await readRange(source, 0, 6_000);
    expect(await codeOf(collect(source, 6_000, 10_001))).toBe('FETCH_DATA_CAP');
    expect(server.requests).toHaveLength(1);
    expect(await readRange(source, 6_000, 10_000)).toHaveLength(4_000);
    expect(await codeOf(collect(source, 0, 1))).toBe('FETCH_DATA_CAP');
    expect(source.transferred_bytes).toBe(10_000);
  });

  test('counts what a broken connection wasted', async () => {
    const server = await rawServer((socket) => {
      socket.end(`HTTP/1.1 206 OK\r\nContent-Range: bytes 0-99/1000\r\n\r\n${'x'.repeat(60)}`);
    });
    cleanups.push(server.stop);
    const source = open([server.url], { max_bytes: 130 });
    // 60 of 100 arrive; the other mirror's 40 still fit, a third try of anything would not.
    const other = await rawServer((socket) => {
      socket.end(`HTTP/1.1 206 OK\r\nContent-Range: bytes 60-99/1000\r\n\r\n${'y'.repeat(40)}`);
    });
    cleanups.push(other.stop);
    await source.close();
    const both = open([server.url, other.url], { max_bytes: 130, attempts_max: 9 });
    expect(await readRange(both, 0, 100)).toHaveLength(100);
    expect(await codeOf(collect(both, 100, 200))).toBe('FETCH_DATA_CAP');
  });

  test('ends an answer that is longer than what was asked for', async () => {
    const server = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && socket.write(file));
      };
      socket.on('drain', more);
      more();
    });
    cleanups.push(server.stop);
    const source = open([server.url], { max_bytes: 5_000 });
    expect(await codeOf(collect(source, 0, 5_000))).toBe('FETCH_DATA_CAP');
    // It is noticed with the part that goes over it, and nothing is read after that.
    expect(source.transferred_bytes).toBeLessThan(2 * MIB);
    expect(await codeOf(source.size_bytes())).toBe('FETCH_DATA_CAP');
  });
});

test.each([{ limit_bytes_per_s: 0 }, { limit_bytes_per_s: -1 }, { max_bytes: 0 }, { max_bytes: Number.NaN }])(
  'no limit is no value: %j is refused',
  (options) => {
    expect(() => httpSource(['http://localhost/'], options)).toThrowError(
      expect.objectContaining({ code: 'FETCH_LIMIT_INVALID' }),
    );
  },
);

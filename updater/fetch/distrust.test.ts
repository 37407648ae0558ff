import { afterEach, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { httpSource } from './http-source.ts';
import { fileServer } from './lab/file-server.ts';
import { collect, SteppingClock, sameBytes, sampleFile } from './lab/lab.ts';

const SIZE_BYTES = 50_000;
const file = sampleFile(SIZE_BYTES);
const WRONG = new BulkheadError('TEST_WRONG', 'the digest is another');
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function serve(...args: Parameters<typeof fileServer>) {
  const server = fileServer(...args);
  cleanups.push(server.stop);
  return server;
}

function open(...urls: string[]) {
  const source = httpSource(urls, { clock: new SteppingClock(), attempts_max: 8 });
  cleanups.push(source.close);
  return source;
}

/** A server that is busy from one request up to, not including, another. */
const busy = (bytes: Uint8Array<ArrayBuffer>, from: number, to: number) =>
  serve(bytes, {
    instead: (_, number) => (number >= from && number < to ? new Response(null, { status: 503 }) : undefined),
  });

test('a mirror that gave what is wrong is not asked again, and what it said of the length is forgotten', async () => {
  const liar = serve(sampleFile(SIZE_BYTES + 10).reverse());
  const honest = serve(file);
  const source = open(liar.url, honest.url);
  expect(await source.size_bytes()).toBe(SIZE_BYTES + 10);
  await collect(source, 0, 100);
  expect(source.distrust?.(0, 100, WRONG)).toBe(true);
  const asked = liar.requests.length;
  expect(await source.size_bytes()).toBe(SIZE_BYTES);
  expect(sameBytes(await collect(source, 0, SIZE_BYTES), file)).toBe(true);
  expect(liar.requests.length).toBe(asked);
});

test('mirrors that were dropped because a liar told another length are asked after all', async () => {
  const liar = busy(sampleFile(SIZE_BYTES + 10).reverse(), 1, 4);
  const honest = serve(file);
  const source = open(liar.url, honest.url);
  await source.size_bytes();
  await collect(source, 0, 100);
  expect(honest.requests.length).toBe(1);
  expect(source.distrust?.(0, 100, WRONG)).toBe(true);
  expect(sameBytes(await collect(source, 0, SIZE_BYTES), file)).toBe(true);
});

test('where two mirrors gave parts of it neither is blamed before one of them gave all', async () => {
  const first = busy(file, 1, 4);
  const second = serve(file);
  const source = open(first.url, second.url);
  await collect(source, 0, 100);
  await collect(source, 100, 200);
  expect(source.distrust?.(0, 200, WRONG)).toBe(true);
  const asked = second.requests.length;
  await collect(source, 0, 200);
  expect(second.requests.length).toBe(asked + 1);
  expect(source.distrust?.(0, 200, WRONG)).toBe(true);
  await collect(source, 0, 200);
  expect(second.requests.length).toBe(asked + 1);
});

test('the last mirror stays, whatever it gives', async () => {
  const source = open(serve(file).url);
  await collect(source, 0, 100);
  expect(source.distrust?.(0, 100, WRONG)).toBe(false);
  expect((await collect(source, 0, 100)).length).toBe(100);
  const two = open(serve(file, { instead: () => new Response(null, { status: 404 }) }).url, serve(file).url);
  await collect(two, 0, 100);
  expect(two.distrust?.(0, 100, WRONG)).toBe(false);
});

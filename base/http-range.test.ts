import { describe, expect, test } from 'vitest';
import { answerRange } from './http-range.ts';

const ETAG = '"abc"';
const ask = (range: string | null, more: { if_range?: string; if_none_match?: string } = {}, size = 100) =>
  answerRange({ range, if_range: null, if_none_match: null, ...more }, size, ETAG);
const whole = { status: 200, start_bytes: 0, end_bytes: 100 };

describe('a range', () => {
  test.each([
    ['bytes=0-9', 0, 10],
    ['bytes=90-', 90, 100],
    ['bytes=90-1000', 90, 100],
    ['bytes=-10', 90, 100],
    ['bytes=-1000', 0, 100],
    ['Bytes=99-99', 99, 100],
  ])('%s is answered with that part', (range, start_bytes, end_bytes) => {
    expect(ask(range)).toEqual({ status: 206, start_bytes, end_bytes });
  });

  test.each(['bytes=100-', 'bytes=1000-2000', 'bytes=-0'])('%s is not in the file', (range) => {
    expect(ask(range)).toEqual({ status: 416 });
  });

  test.each([
    'bytes=-',
    'bytes=9-1',
    'bytes=0-1,5-6',
    'items=0-1',
    'bytes=a-b',
    'bytes=0-99999999999999999',
    '',
  ])('%s is passed over', (range) => {
    expect(ask(range)).toEqual(whole);
  });
});

test('a range counts only for the file it was asked of', () => {
  expect(ask('bytes=0-9', { if_range: ETAG })).toMatchObject({ status: 206 });
  for (const if_range of ['"other"', `W/${ETAG}`, 'Sat, 21 Nov 2026 12:00:00 GMT'])
    expect(ask('bytes=0-9', { if_range })).toEqual(whole);
});

test('who has the file already is told so, and nothing else', () => {
  for (const if_none_match of [ETAG, `W/${ETAG}`, `"x", ${ETAG}`, '*'])
    expect(ask('bytes=0-9', { if_none_match })).toEqual({ status: 304 });
  expect(ask(null, { if_none_match: '"x"' })).toEqual(whole);
});

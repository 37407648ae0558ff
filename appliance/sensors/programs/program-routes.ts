import { Elysia } from 'elysia';
import { BulkheadError } from '../../../base/errors.ts';
import { answerRange } from '../../../base/http-range.ts';
import { createRateLimit, TooMany } from '../../../base/rate-limit.ts';
import { addressKey } from '../admission/address-guard.ts';
import { FETCH_BURST, FETCH_REFILL_PER_S, FETCHERS_REMEMBERED_MAX } from './limits.ts';
import type { SensorProgram, SensorPrograms } from './program-folder.ts';

/** Below it are the programs; with `.dsse` behind the version the signature of one. */
export const PROGRAM_PATHS = '/sensor/program/';

export function programPath({ platform, version }: Pick<SensorProgram, 'platform' | 'version'>): string {
  return `${PROGRAM_PATHS}${platform}/${version}`;
}

export interface ProgramRouteParts {
  programs: SensorPrograms;
  /** Where a request came from. */
  addressOf(request: Request): string;
  now_ms(): number;
}

const bytes = {
  description: 'the program, or with `.dsse` behind the version its signature',
  content: { 'application/octet-stream': { schema: { type: 'string' as const, format: 'binary' } } },
};

/** Hands out the programs of the sensor, by ranges. There is no secret in them, and nobody trusts them but by their signature. */
export function programRoutes({ programs, addressOf, now_ms }: ProgramRouteParts) {
  const fetches = createRateLimit(
    { burst: FETCH_BURST, refill_per_s: FETCH_REFILL_PER_S, remembered_max: FETCHERS_REMEMBERED_MAX },
    now_ms,
  );
  return new Elysia({ name: 'sensor-programs' }).get(
    `${PROGRAM_PATHS}:platform/:version`,
    ({ request, params: { platform, version } }) => {
      const wait_s = fetches.take(addressKey(addressOf(request)));
      if (wait_s > 0) throw new TooMany('too many fetches of this address', wait_s);
      const asked = `${platform}/${version}`;
      for (const program of programs.list()) {
        const name = `${program.platform}/${program.version}`;
        if (asked === name) return answerProgram(program, request);
        if (asked === `${name}.dsse`)
          return new Response(Bun.file(program.signature_file), { headers: TYPE });
      }
      throw new BulkheadError('SENSOR_PROGRAM_UNKNOWN', 'the appliance has no such program', {
        hint: "'bulkhead sensors program list' on the appliance has those it hands out",
      });
    },
    {
      detail: {
        ...{ tags: ['open'], security: [], summary: 'A program of the sensor, by ranges' },
        responses: { 200: bytes, 206: bytes },
      },
    },
  );
}

const TYPE = { 'content-type': 'application/octet-stream' };

function answerProgram({ file, size_bytes, sha256 }: SensorProgram, request: Request): Response {
  const etag = `"${sha256}"`;
  const field = (name: string) => request.headers.get(name);
  const asked = {
    range: field('range'),
    if_range: field('if-range'),
    if_none_match: field('if-none-match'),
  };
  const answer = answerRange(asked, size_bytes, etag);
  const headers = new Headers({ ...TYPE, etag, 'accept-ranges': 'bytes' });
  if (answer.status === 304) return new Response(null, { status: 304, headers });
  if (answer.status === 416) {
    headers.set('content-range', `bytes */${size_bytes}`);
    return new Response(null, { status: 416, headers });
  }
  const { status, start_bytes, end_bytes } = answer;
  headers.set('content-length', String(end_bytes - start_bytes));
  if (status === 206) headers.set('content-range', `bytes ${start_bytes}-${end_bytes - 1}/${size_bytes}`);
  return new Response(Bun.file(file).slice(start_bytes, end_bytes), { status, headers });
}

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { type FileServer, fileServer } from '../../../../updater/fetch/lab/file-server.ts';
import { generateSigner, TEST_RELEASE, testTrust } from '../../../../updater/testing/test-keys.ts';
import type { UpdateOffer } from '../sdk/link.ts';
import { placeOf, promote } from './place.ts';
import { readRecord } from './record.ts';
import { signSensorRelease } from './release.ts';
import { SelfUpdate } from './self-update.ts';
import { spawnProgram } from './spawn-program.ts';
import { type Child, endChild } from './trial.ts';

/** Reports as a program does that the appliance has heard, and goes on. */
const GOOD = '#!/bin/sh\necho reported > "$BULKHEAD_SENSOR_TRIAL"\nexec sleep 60\n';
const CRASHING = '#!/bin/sh\nexit 3\n';
const SILENT = '#!/bin/sh\nexec sleep 60\n';

const running: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of running.splice(0)) await end();
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

interface Served {
  program: string;
  version?: string;
  /** What is signed, where it is not the truth. */
  signed?: { sha256?: string; version?: string; platform?: 'windows-x64'; size_bytes?: number };
  signer?: typeof TEST_RELEASE;
  instead?: (request: Request, number: number) => Response | undefined;
}

/** A server with a program and its signature, and what an appliance says of it. */
function serve({ program, version = '2.0.0', signed = {}, signer = TEST_RELEASE, instead }: Served) {
  const truth = {
    version,
    platform: 'linux-x64' as const,
    size_bytes: program.length,
    sha256: sha256(program),
  };
  const envelope = signSensorRelease({ ...truth, ...signed }, signer);
  const server: FileServer = fileServer(new TextEncoder().encode(program), {
    instead: (request, number) =>
      new URL(request.url).pathname.endsWith('.dsse')
        ? new Response(new Uint8Array(envelope))
        : instead?.(request, number),
  });
  running.push(() => server.stop());
  const offer: UpdateOffer = { version, url: server.url, sha256: sha256(program) };
  return { offer, server };
}

function sensor(changed: { now_ms?: () => number; root?: string } = {}) {
  const root = changed.root ?? makeFolder('update');
  const [folder, installed] = [join(root, 'state'), join(root, 'bulkhead-sensor')];
  mkdirSync(folder, { recursive: true });
  if (!existsSync(installed)) writeFileSync(installed, 'old', { mode: 0o755 });
  const words: string[] = [];
  const update = new SelfUpdate({
    ...{
      installed,
      folder,
      platform: 'linux-x64',
      version: '1.0.0',
      trusted: testTrust(),
      start: spawnProgram,
    },
    ...{
      log: (_, message) => words.push(message),
      now_ms: changed.now_ms ?? Date.now,
      trial_timeout_ms: 1_000,
    },
  });
  const record = () => readRecord(join(folder, 'update.json'));
  return { update, words, record, root, folder, place: placeOf(installed) };
}

const NEVER = new AbortController().signal;

async function offerAndTry(of: ReturnType<typeof sensor>, offer: UpdateOffer): Promise<Child | null> {
  const ready = await of.update.prepare(offer, NEVER);
  if (ready === null) return null;
  const child = await of.update.tryOut(ready, ['run'], NEVER);
  if (child !== null) running.push(() => endChild(child));
  return child;
}

describe('a newer program', () => {
  test('is fetched, verified, tried, and installed when it has reported; the old one stays beside it', async () => {
    const of = sensor();
    const { offer } = serve({ program: GOOD });
    const child = await offerAndTry(of, offer);
    expect(child).not.toBeNull();
    expect(readFileSync(of.place.installed, 'utf8')).toBe(GOOD);
    expect(statSync(of.place.installed).mode & 0o777).toBe(0o700);
    expect(readFileSync(of.place.previous, 'utf8')).toBe('old');
    expect(existsSync(of.place.next)).toBe(false);
    expect(of.record()).toEqual({ bad: [], trial: null });
    expect(of.words.at(-1)).toBe('version 2.0.0 has reported and is installed');
  });

  test('that ends before it has reported is given up, and not tried again under any number', async () => {
    const of = sensor();
    const { offer } = serve({ program: CRASHING });
    expect(await offerAndTry(of, offer)).toBeNull();
    expect(readFileSync(of.place.installed, 'utf8')).toBe('old');
    expect(of.record().bad).toMatchObject([{ version: '2.0.0', why: 'it ended with 3 before it reported' }]);
    const renamed = serve({ program: CRASHING, version: '2.0.1' });
    expect(await of.update.prepare(renamed.offer, NEVER)).toBeNull();
    expect(await of.update.prepare(offer, NEVER)).toBeNull();
    expect(of.words.filter((word) => word.includes('SENSOR_RELEASE_BAD'))).toHaveLength(2);
    const repaired = serve({ program: GOOD, version: '2.0.2' });
    expect(await offerAndTry(of, repaired.offer)).not.toBeNull();
  });

  test('that is silent is ended; it is bad when the old one is heard soon after', async () => {
    let now_ms = 1_000_000;
    const of = sensor({ now_ms: () => now_ms });
    const { offer } = serve({ program: SILENT });
    expect(await offerAndTry(of, offer)).toBeNull();
    expect(of.record()).toMatchObject({ bad: [], trial: { attempts: 1, silent_ms: 1_000_000 } });
    now_ms += 30_000;
    of.update.heard();
    expect(of.record()).toMatchObject({
      trial: null,
      bad: [{ version: '2.0.0', why: expect.stringContaining('could not report') }],
    });
    expect(await of.update.prepare(offer, NEVER)).toBeNull();
  });

  test('that was silent while nobody could be heard is tried again', async () => {
    let now_ms = 1_000_000;
    const of = sensor({ now_ms: () => now_ms });
    const { offer } = serve({ program: SILENT });
    await offerAndTry(of, offer);
    now_ms += 3_600_000;
    of.update.heard();
    expect(of.record()).toMatchObject({ bad: [], trial: { attempts: 1, silent_ms: null } });
    expect(await of.update.prepare(offer, NEVER)).not.toBeNull();
  });

  test('under which the machine goes down again and again is given up', async () => {
    const of = sensor();
    const { offer } = serve({ program: GOOD });
    const ready = await of.update.prepare(offer, NEVER);
    if (ready === null) throw new Error('it is ready');
    for (const attempt of [1, 2, 3]) {
      // Ended in the middle of it, as by a power cut: the record is all there is.
      expect(await of.update.tryOut(ready, [], AbortSignal.abort())).toBeNull();
      expect(of.record().trial?.attempts).toBe(attempt);
    }
    expect(await of.update.tryOut(ready, [], NEVER)).toBeNull();
    expect(of.record()).toMatchObject({ trial: null, bad: [{ why: '3 attempts came to no end' }] });
    expect(readFileSync(of.place.installed, 'utf8')).toBe('old');
  });
});

describe('nothing is fetched or run', () => {
  test.each([
    ['that another key signed', { signer: generateSigner() }, 'KEYS_UNKNOWN'],
    [
      'that is for another platform',
      { signed: { platform: 'windows-x64' as const } },
      'SENSOR_RELEASE_PLATFORM',
    ],
    ['that is another version than was offered', { signed: { version: '2.0.1' } }, 'SENSOR_RELEASE_OTHER'],
    [
      'that is another file than was offered',
      { signed: { sha256: 'ab'.repeat(32) } },
      'SENSOR_RELEASE_OTHER',
    ],
    ['that is older', { version: '0.9.0' }, 'SENSOR_RELEASE_OLDER'],
  ])('%s', async (_, changed, code) => {
    const of = sensor();
    const { offer, server } = serve({ program: GOOD, ...changed });
    expect(await of.update.prepare(offer, NEVER)).toBeNull();
    expect(of.words.join()).toContain(code);
    // The signature alone was asked for.
    expect(server.requests).toHaveLength(1);
    expect(existsSync(of.place.next)).toBe(false);
  });

  test.each([
    ['other bytes', GOOD.replace('60', '61'), 'SENSOR_PROGRAM_DIGEST'],
    ['too few', GOOD.slice(1), 'FETCH_'],
  ])('that is not what was signed: %s', async (_, served, code) => {
    const of = sensor();
    const { offer } = serve({ program: served, signed: { sha256: sha256(GOOD), size_bytes: GOOD.length } });
    const signal = AbortSignal.timeout(4_000);
    expect(await of.update.prepare({ ...offer, sha256: sha256(GOOD) }, signal)).toBeNull();
    expect(of.words.join()).toContain(code);
    expect(existsSync(of.place.next)).toBe(false);
  });

  test('beyond the length that was signed, however much there is', async () => {
    const of = sensor();
    const { offer } = serve({
      program: `${GOOD}more`,
      signed: { sha256: sha256(GOOD), size_bytes: GOOD.length },
    });
    expect(await of.update.prepare({ ...offer, sha256: sha256(GOOD) }, NEVER)).not.toBeNull();
    expect(readFileSync(of.place.next, 'utf8')).toBe(GOOD);
  });
});

test('what arrived before a fetch broke off is not fetched again', async () => {
  const program = GOOD.padEnd(200_000, '#');
  const of = sensor();
  const abort = new AbortController();
  const { offer, server } = serve({
    program,
    // Half of it, and then nothing more.
    instead: (request) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.get('range') ?? '')?.[1]);
      if (start !== 0) return undefined;
      setTimeout(() => abort.abort(), 300);
      const half = new ReadableStream({
        start: (out) => out.enqueue(new TextEncoder().encode(program.slice(0, 100_000))),
      });
      return new Response(half, {
        status: 206,
        headers: {
          'Content-Range': `bytes 0-${program.length - 1}/${program.length}`,
          'Content-Length': `${program.length}`,
          ETag: '"one"',
        },
      });
    },
  });
  expect(await of.update.prepare(offer, abort.signal)).toBeNull();
  const begun = statSync(`${of.place.next}.part`).size;
  expect(begun).toBeGreaterThan(0);
  const again = sensor({ root: of.root });
  expect(await again.update.prepare(offer, NEVER)).not.toBeNull();
  expect(server.requests.at(-1)?.get('range')).toBe(`bytes=${begun}-${program.length - 1}`);
  expect(readFileSync(of.place.next, 'utf8')).toBe(program);
});

test('on Windows the running program is renamed before another takes its name', () => {
  const root = makeFolder('place');
  const place = placeOf(join(root, 'Bulkhead-Sensor.EXE'));
  expect(place.next).toBe(join(root, 'Bulkhead-Sensor.next.EXE'));
  for (const [name, text] of [
    ['installed', 'one'],
    ['next', 'two'],
    ['previous', 'zero'],
  ] as const)
    writeFileSync(place[name], text);
  promote(place, true);
  expect([
    readFileSync(place.installed, 'utf8'),
    readFileSync(place.previous, 'utf8'),
    existsSync(place.next),
  ]).toEqual(['two', 'one', false]);
});

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { TEST_RELEASE, testTrust } from '../../../updater/testing/test-keys.ts';
import { fetchProgram } from '../client/update/fetch-program.ts';
import { verifySensorRelease } from '../client/update/release.ts';
import { type HttpLab, startHttpLab } from '../http/lab/http-lab.ts';
import { addProgram } from './keep-program.ts';
import { signedProgram } from './lab/signed-program.ts';
import { FETCH_BURST } from './limits.ts';

const PROGRAM = Array.from({ length: 200_000 }, (_, index) => `line ${index}\n`).join('');
const PATH = '/sensor/program/linux-x64/1.0.0';

let lab: HttpLab;
let folder: string;
let sha256: string;
const ends: (() => unknown)[] = [];
beforeEach(() => {
  folder = makeFolder('program-http');
  const files = signedProgram(folder, { version: '1.0.0', program: PROGRAM, signer: TEST_RELEASE });
  ({ sha256 } = files);
  addProgram({
    ...{ folder: join(folder, 'sensor-programs'), file: files.file, signature_file: files.signature_file },
    ...{ trusted: testTrust(), now: new Date(), allow_downgrade: false, leaves_bytes: 0 },
  });
  lab = startHttpLab({ folder });
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await lab.stop();
});

describe('a program on the port of the sensors', () => {
  test('is there for everybody, whole, with its length and its digest as entity tag', async () => {
    const response = await fetch(lab.url + PATH);
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).toBe(`"${sha256}"`);
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(response.headers.get('content-length')).toBe(String(PROGRAM.length));
    expect(await response.text()).toBe(PROGRAM);
    const known = await lab.ask('GET', PATH, undefined, { 'if-none-match': `"${sha256}"` });
    expect([known.status, known.text]).toEqual([304, '']);
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1000000-1999999', 1_000_000, 2_000_000],
    ['bytes=2000000-', 2_000_000, PROGRAM.length],
    ['bytes=-7', PROGRAM.length - 7, PROGRAM.length],
  ])('answers %s with that part of it', async (range, start, end) => {
    const { status, headers, text } = await lab.ask('GET', PATH, undefined, { range });
    expect(status).toBe(206);
    expect(headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${PROGRAM.length}`);
    expect(headers.get('content-length')).toBe(String(end - start));
    expect(text).toBe(PROGRAM.slice(start, end));
  });

  test('says where it ends to who asks beyond it', async () => {
    const range = `bytes=${PROGRAM.length}-`;
    const { status, headers } = await lab.ask('GET', PATH, undefined, { range });
    expect([status, headers.get('content-range')]).toEqual([416, `bytes */${PROGRAM.length}`]);
  });

  test('has its signature beside it', async () => {
    const response = await fetch(`${lab.url}${PATH}.dsse`);
    const release = verifySensorRelease(await response.bytes(), testTrust(), new Date());
    expect(release).toMatchObject({ version: '1.0.0', sha256, size_bytes: PROGRAM.length });
  });

  test.each(['linux-x64/1.0.1', 'windows-x64/1.0.0', '..%2f..%2fsite.db/x', 'linux-x64/..%2f..%2fsite.db'])(
    '%s is not there',
    async (name) => {
      const { status, json } = await lab.ask('GET', `/sensor/program/${name}`);
      expect(status).toBe(404);
      expect(json).toMatchObject({ error: { code: expect.stringMatching(/UNKNOWN$/) } });
    },
  );

  test('is given to one address so often and no more', async () => {
    const statuses: number[] = [];
    for (let index = 0; index <= FETCH_BURST; index += 1)
      statuses.push((await lab.ask('GET', PATH, undefined, { range: 'bytes=0-0' })).status);
    expect(statuses.slice(0, FETCH_BURST)).not.toContain(429);
    expect(statuses.at(-1)).toBe(429);
  });
});

/** In front of the appliance: cuts the first connections after so many bytes. */
async function cuttingLine(port: number, cuts: number, after_bytes: number): Promise<number> {
  let left = cuts;
  const server = createServer((inside) => {
    const outside = connect(port, '127.0.0.1');
    const cut = left-- > 0;
    let passed_bytes = 0;
    outside.on('data', (part) => {
      passed_bytes += part.length;
      inside.write(part);
      if (!cut || passed_bytes < after_bytes) return;
      inside.destroy();
      outside.destroy();
    });
    inside.on('data', (part) => outside.write(part));
    for (const [one, another] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      one.on('close', () => another.destroy());
      one.on('error', () => another.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

describe('the sensor', () => {
  const release = () => {
    const signature = readFileSync(join(folder, 'bulkhead-sensor-1.0.0.dsse'));
    return verifySensorRelease(signature, testTrust(), new Date());
  };
  const fetchFrom = (url: string, signal = AbortSignal.timeout(20_000)) =>
    fetchProgram(`${url}${PATH}`, release(), join(folder, 'fetched'), signal);

  test('goes on where the line broke, within one fetch and after its own restart', async () => {
    const port = Number(new URL(lab.url).port);
    const line = await cuttingLine(port, 2, 600_000);
    await fetchFrom(`http://127.0.0.1:${line}`);
    expect(readFileSync(join(folder, 'fetched'), 'utf8')).toBe(PROGRAM);
    // What an earlier process has left of it.
    writeFileSync(join(folder, 'fetched.part'), PROGRAM.slice(0, 1_234_567));
    await fetchFrom(lab.url);
    expect(statSync(join(folder, 'fetched')).size).toBe(PROGRAM.length);
  });

  test('refuses a program of which a bit was changed on the appliance', async () => {
    const kept = join(folder, 'sensor-programs', 'bulkhead-sensor-linux-x64-1.0.0');
    const bytes = readFileSync(kept);
    bytes.writeUInt8(bytes.readUInt8(1_000_000) ^ 1, 1_000_000);
    writeFileSync(kept, bytes);
    await expect(fetchFrom(lab.url)).rejects.toMatchObject({ code: 'SENSOR_PROGRAM_DIGEST' });
  });
});

import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CoordinatorLab, readAnswer, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { installLab, NEW } from '../../test/unit/install-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { testKey } from '../../updater/testing/test-keys.ts';
import type { Api } from '../client/api.ts';
import { publishRelease } from '../client/publish.ts';
import { uploadFile } from '../client/upload.ts';
import { REQUEST_BODY_MAX_BYTES } from '../limits.ts';
import { UNCLAIMED_MS, UPLOAD_PIECE_MAX_BYTES, UPLOADS_OPEN_MAX } from './limits.ts';

const box = installLab();
const data = makeFolder('artifacts');
let lab: CoordinatorLab;
let api: Api;
beforeAll(async () => {
  lab = await startLab({ data, release_keys: TEST_KEYS_FILE, forget_interval_ms: 20 });
  api = await administrator(lab);
});

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const stored = () => readdirSync(join(data, 'artifacts'));
const incoming = () => readdirSync(join(data, 'artifacts', 'incoming'));

async function send(sha256: string, size_bytes: number, offset: number, bytes: Uint8Array) {
  const response = await fetch(
    `${lab.url}/api/v1/uploads/${sha256}?offset=${offset}&size_bytes=${size_bytes}`,
    {
      ...{ method: 'PATCH', body: new Uint8Array(bytes) },
      headers: { authorization: `Bearer ${await lab.admin()}`, 'content-type': 'application/octet-stream' },
    },
  );
  return await readAnswer(response);
}

const begin = async (sha256: string, size_bytes: number) =>
  await lab.call('POST', '/api/v1/uploads', { sha256, size_bytes }, await lab.admin());

describe('an upload', () => {
  test('goes on after a break where it has come to, and is taken once', async () => {
    await box.full('new');
    const bytes = readFileSync(box.bundleFile('new'));
    const sha256 = digestOf(bytes);
    expect((await begin(sha256, bytes.length)).body).toMatchObject({ received_bytes: 0, artifact: null });
    expect((await send(sha256, bytes.length, 0, bytes.subarray(0, 1000))).body).toMatchObject({
      received_bytes: 1000,
      artifact: null,
    });
    expect((await begin(sha256, bytes.length)).body).toMatchObject({ received_bytes: 1000 });
    // The same piece again, because its answer was lost.
    expect((await send(sha256, bytes.length, 0, bytes.subarray(0, 1000))).body.error?.code).toBe(
      'UPLOAD_OFFSET',
    );
    expect(await uploadFile(api, box.bundleFile('new'))).toBe(sha256);
    expect((await begin(sha256, bytes.length)).body).toMatchObject({
      received_bytes: bytes.length,
      artifact: { sha256, kind: 'bundle', size_bytes: bytes.length, created_by: 'user:admin' },
    });
    expect(stored()).toContain(sha256);
    expect(incoming()).toEqual([]);
  });

  test('of other bytes than were announced is thrown away', async () => {
    const bytes = randomBytes(5000);
    const sha256 = digestOf(randomBytes(1));
    await begin(sha256, bytes.length);
    expect(await send(sha256, bytes.length, 0, bytes)).toMatchObject({
      status: 400,
      body: { error: { code: 'UPLOAD_DIGEST' } },
    });
    expect(incoming()).toEqual([]);
    expect(stored()).not.toContain(sha256);
    expect((await send(sha256, bytes.length, 0, bytes)).body.error?.code).toBe('UPLOAD_UNKNOWN');
  });

  test('of a bundle that no configured key signed is thrown away, whatever keys it brings', async () => {
    await box.full('far', testKey('stranger'));
    await expect(uploadFile(api, box.bundleFile('far'))).rejects.toMatchObject({
      code: 'RELEASE_BUNDLE_REFUSED',
      message: expect.stringContaining('KEYS_UNKNOWN'),
    });
    expect(stored()).not.toContain(digestOf(readFileSync(box.bundleFile('far'))));
  });

  test('of a signed bundle whose content is damaged is thrown away', async () => {
    await box.full('half');
    const bytes = readFileSync(box.bundleFile('half'));
    bytes[bytes.length - 5000] = (bytes[bytes.length - 5000] ?? 0) ^ 1;
    writeFileSync(box.bundleFile('half'), bytes);
    await expect(uploadFile(api, box.bundleFile('half'))).rejects.toMatchObject({
      code: 'RELEASE_BUNDLE_REFUSED',
    });
    expect(incoming()).toEqual([]);
  });

  test('of something that belongs to no release is thrown away', async () => {
    const file = join(makeFolder('other'), 'file');
    writeFileSync(file, randomBytes(100));
    await expect(uploadFile(api, file)).rejects.toMatchObject({ code: 'ARTIFACT_KIND' });
    expect(incoming()).toEqual([]);
  });

  test('needs the scope for it, before its bytes are read', async () => {
    const path = `/api/v1/uploads/${'a'.repeat(64)}?offset=0&size_bytes=1`;
    const response = await fetch(lab.url + path, { method: 'PATCH', body: 'x' });
    expect(response.status).toBe(401);
  });

  test('has pieces of a bounded size, and every other body a much smaller one', async () => {
    const large = await send('b'.repeat(64), 1e9, 0, new Uint8Array(UPLOAD_PIECE_MAX_BYTES + 1));
    expect(large.status).toBe(413);
    const token = await lab.admin();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ notes: 'x'.repeat(REQUEST_BODY_MAX_BYTES) });
    const post = (content: string | ReadableStream) =>
      fetch(`${lab.url}/api/v1/releases`, { method: 'POST', headers, body: content });
    expect((await readAnswer(await post(body))).body.error?.code).toBe('BODY_TOO_LARGE');
    // Sent without a length.
    expect((await readAnswer(await post(new Blob([body]).stream()))).body.error?.code).toBe('BODY_TOO_LARGE');
    const small = new Blob([JSON.stringify({ sha256: 'c'.repeat(64), size_bytes: 1 })]).stream();
    const begun = await fetch(`${lab.url}/api/v1/uploads`, { method: 'POST', headers, body: small });
    expect(begun.status).toBe(200);
  });
});

describe('what belongs to a release', () => {
  let place = '';
  let bytes: Buffer;
  let sha256 = '';
  const get = (field: Record<string, string> = {}, method = 'GET') =>
    fetch(place, { method, headers: field });

  test('is fetched and installed by the updater of an appliance: whole, by delta, by single blocks', async () => {
    for (const name of ['far', 'new', 'half'] as const) await box.full(name);
    await box.delta('new');
    await box.blocks('half');
    for (const [name, method] of [
      ['far', 'full'],
      ['new', 'delta'],
      ['half', 'blocks'],
    ] as const) {
      const release = (await publishRelease(api, box.bundleFile(name), {
        channel: 'stable',
        floors: [],
      })) as { bundle_sha256: string };
      const url = `${lab.url}/artifacts/${release.bundle_sha256}`;
      const result = await box.install(url);
      expect(result).toMatchObject({ method });
      if (name === 'new') {
        expect(box.inSlot(NEW)).toBe(true);
        [place, sha256, bytes] = [url, release.bundle_sha256, readFileSync(box.bundleFile('new'))];
      }
    }
  });

  test('comes whole, with its length and its digest as entity tag', async () => {
    const response = await get();
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-length': String(bytes.length),
      etag: `"${sha256}"`,
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  test('comes by ranges', async () => {
    const response = await get({ range: 'bytes=1000-1999', 'if-range': `"${sha256}"` });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes 1000-1999/${bytes.length}`);
    expect(response.headers.get('content-length')).toBe('1000');
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes.subarray(1000, 2000))).toBe(true);
  });

  test('comes whole when the range was for another file', async () => {
    const response = await get({ range: 'bytes=1000-1999', 'if-range': '"other"' });
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(bytes.length);
  });

  test('says how long it is where a range is outside', async () => {
    const response = await get({ range: `bytes=${bytes.length}-` });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe(`bytes */${bytes.length}`);
  });

  test('is not sent to who has it, nor to who only asks about it', async () => {
    expect((await get({ 'if-none-match': `"${sha256}"` })).status).toBe(304);
    const head = await get({}, 'HEAD');
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe(String(bytes.length));
    expect(await head.text()).toBe('');
  });

  test('is found by the name of the bundle alone', async () => {
    for (const name of [
      'd'.repeat(64),
      `${sha256}.blocks`,
      '..%2Fcoordinator.db',
      'incoming',
      sha256.slice(1),
    ])
      expect((await fetch(`${lab.url}/artifacts/${name}`)).status).toBe(404);
  });
});

test('an upload that nobody goes on with is given up, and so is a file that belongs to no release', async () => {
  await box.full('old');
  await box.full('far');
  const unwanted = await uploadFile(api, box.bundleFile('old'));
  const wanted = digestOf(readFileSync(box.bundleFile('far')));
  for (let index = 0; index < UPLOADS_OPEN_MAX; index += 1)
    await begin(digestOf(new Uint8Array([index])), 10);
  expect((await begin(digestOf(randomBytes(9)), 10)).body.error?.code).toBe('UPLOADS_TOO_MANY');
  lab.wait(UNCLAIMED_MS + 60_000);
  await expect.poll(() => incoming(), { timeout: 5000 }).toEqual([]);
  await expect.poll(() => stored(), { timeout: 5000 }).not.toContain(unwanted);
  expect(stored()).toContain(wanted);
});

import { createHash, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { startLab, stopLabs } from '../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { S3_BUCKET, S3_KEYS, type S3Server, startS3Server } from '../../test/coordinator/s3-server.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { readRange } from '../../updater/source.ts';
import { publishRelease } from '../client/publish.ts';
import { openArtifacts, readS3Place } from './open.ts';
import type { ArtifactStore } from './store.ts';

const box = installLab();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await stopLabs();
  for (const end of ends.splice(0)) await end();
});

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const textOf = async (body: ConstructorParameters<typeof Response>[0]) =>
  Buffer.from(await new Response(body).arrayBuffer()).toString('latin1');

function bucket(prefix = 'fleet', keys = S3_KEYS): { store: ArtifactStore; server: S3Server } {
  const server = startS3Server();
  ends.push(() => server.stop());
  const environment = {
    ...{ AWS_ACCESS_KEY_ID: keys.access_key_id, AWS_SECRET_ACCESS_KEY: keys.secret_access_key },
    ...{ AWS_REGION: 'eu-central-1', AWS_ENDPOINT_URL_S3: server.url },
  };
  return { store: openArtifacts(`s3://${S3_BUCKET}/${prefix}`, environment), server };
}

const STORES = {
  'a folder': () => openArtifacts(makeFolder('artifacts'), {}),
  'a bucket': () => bucket().store,
  'a bucket without a prefix': () => bucket('').store,
};

describe.each(Object.keys(STORES) as (keyof typeof STORES)[])('files in %s', (kind) => {
  /** An upload that has come whole, in pieces. */
  async function uploaded(store: ArtifactStore, bytes: Uint8Array, piece_bytes = 1000) {
    const upload = { sha256: digestOf(bytes), size_bytes: bytes.length };
    await store.begin(upload);
    for (let at = 0; at < bytes.length; at += piece_bytes)
      await store.append(upload, at, bytes.subarray(at, at + piece_bytes));
    return upload;
  }

  test('come in pieces, each where it belongs, and go on where they were left', async () => {
    const store = STORES[kind]();
    const bytes = randomBytes(3500);
    const upload = { sha256: digestOf(bytes), size_bytes: bytes.length };
    expect(await store.received_bytes(upload)).toBeNull();
    await store.begin(upload);
    expect(await store.received_bytes(upload)).toBe(0);
    await store.append(upload, 0, bytes.subarray(0, 1000));
    await expect(store.append(upload, 0, bytes.subarray(0, 1000))).rejects.toMatchObject({
      code: 'UPLOAD_OFFSET',
    });
    await expect(store.append(upload, 2000, bytes.subarray(2000))).rejects.toMatchObject({
      code: 'UPLOAD_OFFSET',
    });
    expect(await store.received_bytes(upload)).toBe(1000);
    expect(await store.uploads()).toMatchObject([upload]);
    for (let at = 1000; at < bytes.length; at += 500)
      await store.append(upload, at, bytes.subarray(at, at + 500));
    expect(await store.digestUpload(upload)).toBe(upload.sha256);
    const source = store.openUpload(upload);
    expect(await source.size_bytes()).toBe(3500);
    expect(Buffer.from(await readRange(source, 900, 2600))).toEqual(bytes.subarray(900, 2600));
    await source.close();
    expect(await store.has(upload.sha256)).toBe(false);
  });

  test('are there as a whole once they are accepted, are read by ranges, and can be taken away', async () => {
    const store = STORES[kind]();
    const bytes = randomBytes(5000);
    const upload = await uploaded(store, bytes);
    await store.accept(upload, upload.sha256);
    expect([await store.has(upload.sha256), await store.received_bytes(upload)]).toEqual([true, null]);
    expect(await store.uploads()).toEqual([]);
    expect((await store.list()).map(({ sha256 }) => sha256)).toEqual([upload.sha256]);
    expect(await textOf(store.body(upload.sha256, 10, 20))).toBe(bytes.subarray(10, 20).toString('latin1'));
    const source = store.open(upload.sha256);
    expect(await source.size_bytes()).toBe(5000);
    expect(Buffer.from(await readRange(source, 0, 5000))).toEqual(bytes);
    await source.close();
    await store.remove(upload.sha256);
    expect([await store.has(upload.sha256), await store.list()]).toEqual([false, []]);
  });

  test('that were given up are gone', async () => {
    const store = STORES[kind]();
    const upload = await uploaded(store, randomBytes(9000), 1000);
    await store.discard(upload);
    expect([await store.received_bytes(upload), await store.uploads()]).toEqual([null, []]);
  });
});

test('a large file goes to the bucket in parts, and nothing of it is left behind', async () => {
  const { store, server } = bucket();
  const bytes = randomBytes(17 * 1024 * 1024);
  const upload = { sha256: digestOf(bytes), size_bytes: bytes.length };
  await store.begin(upload);
  for (let at = 0; at < bytes.length; at += 4 << 20)
    await store.append(upload, at, bytes.subarray(at, at + (4 << 20)));
  await store.accept(upload, upload.sha256);
  expect(digestOf(server.objects.get(`fleet/${upload.sha256}`) ?? new Uint8Array())).toBe(upload.sha256);
  expect([[...server.objects.keys()], server.open.size]).toEqual([[`fleet/${upload.sha256}`], 0]);
});

test('a bucket that lets nobody in says so in words, without its keys', async () => {
  const { store, server } = bucket('fleet', { ...S3_KEYS, secret_access_key: 'wrong' });
  const problem = await store.list().catch((error: unknown) => error);
  expect(problem).toMatchObject({ code: 'ARTIFACT_STORE', message: 'cannot list in the store of files' });
  expect(String((problem as Error).cause)).not.toContain('wrong');
  expect(server.refused).toContain('SignatureDoesNotMatch');
});

test('a release is published into a bucket and fetched from the coordinator, by ranges and whole', async () => {
  const { store, server } = bucket();
  const lab = await startLab({ artifacts: store, release_keys: TEST_KEYS_FILE });
  await box.full('new');
  const api = await administrator(lab);
  const facts = { channel: 'stable', floors: [] };
  const release = (await publishRelease(api, box.bundleFile('new'), facts)) as { bundle_sha256: string };
  const bytes = server.objects.get(`fleet/${release.bundle_sha256}`) ?? new Uint8Array();
  const url = `${lab.url}/artifacts/${release.bundle_sha256}`;
  const whole = await fetch(url, { redirect: 'manual' });
  expect(whole.status).toBe(200);
  expect(digestOf(new Uint8Array(await whole.arrayBuffer()))).toBe(release.bundle_sha256);
  const part = await fetch(url, { headers: { range: 'bytes=100-199' }, redirect: 'manual' });
  expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 100-199/${bytes.length}`]);
  expect(Buffer.from(await part.arrayBuffer())).toEqual(Buffer.from(bytes.subarray(100, 200)));
  const head = await fetch(url, { method: 'HEAD', redirect: 'manual' });
  expect([head.status, head.headers.get('etag')]).toEqual([200, `"${release.bundle_sha256}"`]);
  // And the updater takes it from there.
  expect(await box.install(url)).toMatchObject({ slot: 'B' });
});

test('an address of a bucket is read with its keys, or refused with what is missing', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  expect(readS3Place('/var/lib/artifacts', keys)).toBeNull();
  expect(readS3Place('s3://releases', keys)).toMatchObject({
    bucket: 'releases',
    prefix: '',
    access_key_id: 'a',
  });
  expect(readS3Place('s3://releases/a/b/', keys)).toMatchObject({ bucket: 'releases', prefix: 'a/b' });
  for (const [text, environment] of [
    ['s3://', keys],
    ['s3://UPPER', keys],
    ['s3://releases', {}],
  ] as const)
    expect(() => readS3Place(text, environment)).toThrow(expect.objectContaining({ code: 'ARTIFACT_PLACE' }));
});

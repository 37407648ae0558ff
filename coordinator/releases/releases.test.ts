import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { installLab, OLD, rootOf } from '../../test/unit/install-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { parseKeyset } from '../../updater/signing/keyset.ts';
import { changeKeyset, createKeyset } from '../../updater/signing/keyset-edit.ts';
import { serialiseKeysetFile } from '../../updater/signing/keyset-file.ts';
import {
  signedKeyset,
  TEST_RELEASE,
  TEST_ROOT,
  testKey,
  testKeysets,
  withRoles,
} from '../../updater/testing/test-keys.ts';
import type { Api } from '../client/api.ts';
import { publishRelease } from '../client/publish.ts';
import { uploadFile } from '../client/upload.ts';
import { runProgram } from '../program.ts';

const box = installLab();
const backends = openBackends();

interface Shown {
  id: string;
  version: string;
  bundle_sha256: string;
  files: { suffix: string; base_version: string | null; size_bytes: number }[];
  field: { version: string | null; devices: number; delta_bytes: number | null }[];
}

describe.each(BACKENDS)('on %s', (backend) => {
  let lab: CoordinatorLab;
  let api: Api;
  beforeAll(async () => {
    const { data, url } = await backends.place(backend);
    lab = await startLab({ data, database_url: url, release_keys: TEST_KEYS_FILE });
    api = await administrator(lab);
  });
  const publish = async (name: string, floors: string[] = []) =>
    (await publishRelease(api, box.bundleFile(name), {
      channel: 'stable',
      notes: 'better',
      floors,
    })) as Shown;

  test('a release says what was signed, and what it costs every version in the field', async () => {
    await approvedDevice(lab, { image_version: '1.0.0' });
    await approvedDevice(lab, { image_version: '1.0.0' });
    await approvedDevice(lab, { image_version: '0.9.0' });
    await box.full('new');
    await box.delta('new');
    await box.blocks('new');
    const release = await publish('new', ['0.9.0']);
    expect(release).toMatchObject({
      ...{ version: '1.1.0', channel: 'stable', notes: 'better', compatible: ['qemu'], floors: ['0.9.0'] },
      ...{
        signed_by: [TEST_RELEASE.key_id],
        created_by: 'user:admin',
        withdrawn_ms: null,
        sbom_sha256: null,
      },
    });
    const suffixes = release.files.map(({ suffix }) => suffix);
    expect(suffixes).toEqual(['', '.blocks', `.from-${rootOf(OLD).slice(0, 16)}`]);
    const delta = release.files.find(({ base_version }) => base_version === '1.0.0');
    expect(release.field).toEqual([
      { version: '0.9.0', devices: 1, delta_bytes: null },
      { version: '1.0.0', devices: 2, delta_bytes: delta?.size_bytes },
    ]);
    const { releases } = (await api.call('GET', '/api/v1/releases?channel=stable')) as { releases: Shown[] };
    expect(releases.map(({ version }) => version)).toEqual(['1.1.0']);
  });

  test('a version is one release for ever', async () => {
    await box.full('new');
    await expect(publish('new')).rejects.toMatchObject({ code: 'RELEASE_EXISTS' });
  });

  test('a delta is no release, and belongs to its own release alone', async () => {
    await box.full('far');
    await box.delta('half');
    const far = await publish('far');
    const sha256 = await uploadFile(api, `${box.bundleFile('half')}.from-${rootOf(OLD).slice(0, 16)}`);
    const make = api.call('POST', '/api/v1/releases', { bundle_sha256: sha256, channel: 'stable' });
    await expect(make).rejects.toMatchObject({ code: 'RELEASE_NOT_FULL' });
    const add = api.call('POST', `/api/v1/releases/${far.id}/files`, { sha256 });
    await expect(add).rejects.toMatchObject({ code: 'RELEASE_FILE_MISMATCH' });
    const unknown = api.call('POST', `/api/v1/releases/${far.id}/files`, { sha256: 'a'.repeat(64) });
    await expect(unknown).rejects.toMatchObject({ code: 'ARTIFACT_UNKNOWN' });
  });

  test('a floor is a version before', async () => {
    await box.full('half');
    await expect(publish('half', ['1.3.0'])).rejects.toMatchObject({ code: 'RELEASE_FLOOR' });
    await expect(publish('half', ['1.2.0'])).resolves.toMatchObject({ version: '1.3.0' });
  });

  test('a release that was withdrawn is handed out no more', async () => {
    const { releases } = (await api.call('GET', '/api/v1/releases')) as { releases: Shown[] };
    const { id, bundle_sha256 } = releases.find(({ version }) => version === '1.3.0') ?? expect.fail();
    const url = `${lab.url}/artifacts/${bundle_sha256}`;
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    await api.call('POST', `/api/v1/releases/${id}/withdraw`, { reason: 'bad disk driver' });
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(404);
    expect(await api.call('GET', `/api/v1/releases/${id}`)).toMatchObject({
      ...{ withdrawn_by: 'user:admin', withdrawn_reason: 'bad disk driver' },
    });
    const again = api.call('POST', `/api/v1/releases/${id}/withdraw`, { reason: 'again' });
    await expect(again).rejects.toMatchObject({ code: 'RELEASE_WITHDRAWN' });
    expect(await api.call('GET', '/api/v1/audit/verify')).toMatchObject({ intact: true });
  });
});

describe('whose releases are taken', () => {
  const [first] = testKeysets();
  const later = testKey('later');
  const successor = () => {
    if (!first) throw new Error('there is a first set');
    const add = [withRoles(later, 'release')];
    const set = changeKeyset(parseKeyset(first.payload), { add }, Date.parse('2026-02-01T00:00:00Z'));
    return [first, signedKeyset(set, TEST_ROOT)];
  };
  const json = (file: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(file));

  test('is said by an administrator, before anything is uploaded', async () => {
    const lab = await startLab();
    const api = await administrator(lab);
    await box.full('new');
    await expect(uploadFile(api, box.bundleFile('new'))).rejects.toMatchObject({
      code: 'RELEASE_KEYS_MISSING',
    });
    await expect(api.call('GET', '/api/v1/release-keys')).rejects.toMatchObject({
      code: 'RELEASE_KEYS_MISSING',
    });
    const set = await api.call('PUT', '/api/v1/release-keys', json(TEST_KEYS_FILE));
    expect(set).toMatchObject({ version: 1, revoked: [] });
    await expect(uploadFile(api, box.bundleFile('new'))).resolves.toMatch(/^[0-9a-f]{64}$/);
  });

  test('changes by sets that follow, and by no others', async () => {
    const lab = await startLab({ release_keys: TEST_KEYS_FILE });
    const api = await administrator(lab);
    const stranger = testKey('stranger');
    const other = createKeyset([withRoles(stranger, 'root', 'release')], 1, 0);
    const taken = api.call(
      'PUT',
      '/api/v1/release-keys',
      json(serialiseKeysetFile([signedKeyset({ ...other, version: 2 }, stranger)])),
    );
    await expect(taken).rejects.toMatchObject({ code: 'RELEASE_KEYS_REFUSED' });
    await box.full('new', later);
    await expect(uploadFile(api, box.bundleFile('new'))).rejects.toMatchObject({
      code: 'RELEASE_BUNDLE_REFUSED',
    });
    const set = await api.call('PUT', '/api/v1/release-keys', json(serialiseKeysetFile(successor())));
    expect(set).toMatchObject({ version: 2 });
    await expect(uploadFile(api, box.bundleFile('new'))).resolves.toMatch(/^[0-9a-f]{64}$/);
    // The older file of a coordinator that starts again changes nothing.
    await api.call('PUT', '/api/v1/release-keys', json(TEST_KEYS_FILE));
    expect(await api.call('GET', '/api/v1/release-keys')).toMatchObject({ version: 2 });
  });
});

test('an operator publishes, looks and withdraws from the command line alone', async () => {
  const lab = await startLab();
  const at = ['--server', lab.url, '--token-file', join(makeFolder('token'), 'token')];
  await Bun.write(at[3] ?? '', await lab.admin());
  const command = async (...args: string[]) => {
    const said = { out: '', err: '', code: 0 };
    await runProgram(['release', ...args, ...at], {
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
      setExitCode: (code) => (said.code = code),
    });
    return said;
  };
  const keys = join(makeFolder('keys'), 'keyset.json');
  await Bun.write(keys, TEST_KEYS_FILE);
  expect((await command('keys', 'set', keys)).code).toBe(0);
  expect((await command('keys', 'show')).out).toContain(TEST_RELEASE.key_id);
  await box.full('new');
  await box.delta('new');
  const published = await command('upload', box.bundleFile('new'), '--channel', 'beta', '--floor', '1.0.0');
  const release = JSON.parse(published.out) as Shown;
  expect(release.files).toHaveLength(2);
  await box.blocks('new');
  expect((await command('add', release.id, `${box.bundleFile('new')}.blocks`)).out).toContain('.blocks');
  expect((await command('list', '--channel', 'beta')).out).toContain('1.1.0');
  expect((await command('withdraw', release.id, '--reason', 'a test')).code).toBe(0);
  expect((await command('show', release.id)).out).toContain('a test');
  expect((await command('keys', 'set', join(keys, 'none'))).err).toContain('RELEASE_KEYS_FILE');
});

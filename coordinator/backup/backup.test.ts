import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { startLab, stopLabs } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, Device } from '../../test/coordinator/device.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { publishRelease } from '../client/publish.ts';
import { runProgram } from '../program.ts';

const box = installLab();
const PASSWORD = 'a good long password';
afterEach(stopLabs);

async function command(...args: string[]) {
  const said = { out: '', err: '', code: 0 };
  await runProgram(args, {
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    setExitCode: (code) => (said.code = code),
  });
  return said;
}

test('what was backed up while it ran is there after it was restored elsewhere: people sign in, appliances go on, files are missed', async () => {
  const data = makeFolder('coordinator');
  const lab = await startLab({ data, release_keys: TEST_KEYS_FILE });
  await lab.call('PUT', '/api/v1/me/password', { password: PASSWORD }, await lab.admin());
  await box.full('new');
  await publishRelease(await administrator(lab), box.bundleFile('new'), { channel: 'stable', floors: [] });
  const device = await approvedDevice(lab, { hostname: 'reception' });
  await device.heartbeat();
  const file = join(makeFolder('backup'), 'backup.db');
  const made = await command('backup', file, '--data', data);
  expect(made).toMatchObject({ code: 0, out: expect.stringContaining('lists 1 files') });
  expect(statSync(file).mode & 0o077).toBe(0);
  // What comes later is not in it.
  const late = await approvedDevice(lab, { hostname: 'late' });
  await lab.stop();
  await runOrThrow(run, 'sh', ['-c', `cd '${join(data, 'artifacts')}' && sha256sum -c '${file}.artifacts'`]);

  const elsewhere = join(makeFolder('coordinator'), 'data');
  const restored = await command('restore', file, '--data', elsewhere, '--json');
  expect(restored).toMatchObject({ code: 0, err: '' });
  const facts = JSON.parse(restored.out) as { missing: string[]; before: string | null };
  expect(facts).toMatchObject({ before: null, artifacts: 1 });
  expect(facts.missing).toEqual(readdirSync(join(data, 'artifacts')).filter((name) => name.length === 64));
  const again = await startLab({ data: elsewhere });
  const session = await again.call('POST', '/api/v1/session', { name: 'admin', password: PASSWORD });
  expect(session.status).toBe(200);
  const token = String(session.body['token']);
  const { body } = await again.call('GET', '/api/v1/devices', undefined, token);
  expect(body['devices']).toMatchObject([{ id: device.id, hostname: 'reception' }]);
  expect((await again.call('GET', '/api/v1/audit/verify', undefined, token)).body).toMatchObject({
    intact: true,
  });
  const there = Object.assign(new Device(again), {
    key: device.key,
    sequence: device.sequence,
    id: device.id,
  });
  expect((await there.heartbeat()).status).toBe(200);
  const unknown = Object.assign(new Device(again), { key: late.key, sequence: late.sequence });
  expect((await unknown.heartbeat()).body.error?.code).toBe('AGENT_KEY_UNKNOWN');
});

test('a backup is never put over a database by accident, nor over one in use', async () => {
  const data = makeFolder('coordinator');
  const lab = await startLab({ data });
  const file = join(makeFolder('backup'), 'backup.db');
  await command('backup', file, '--data', data);
  expect((await command('restore', file, '--data', data, '--replace')).err).toContain('DATABASE_IN_USE');
  await lab.stop();
  expect((await command('restore', file, '--data', data)).err).toContain('RESTORE_OCCUPIED');
  const replaced = await command('restore', file, '--data', data, '--replace', '--json');
  const { before } = JSON.parse(replaced.out) as { before: string };
  expect(existsSync(before)).toBe(true);
  expect((await startLab({ data })).firstSignIn).toBeDefined();
});

test('a file that is no whole backup is refused before anything is touched', async () => {
  const data = makeFolder('coordinator');
  const lab = await startLab({ data });
  await approvedDevice(lab);
  const folder = makeFolder('backup');
  const file = join(folder, 'backup.db');
  await command('backup', file, '--data', data);
  const bytes = readFileSync(file);
  writeFileSync(join(folder, 'cut.db'), bytes.subarray(0, bytes.length / 2));
  writeFileSync(join(folder, 'text.db'), 'no database at all');
  const elsewhere = makeFolder('coordinator');
  for (const name of ['cut.db', 'text.db', 'nothing.db'])
    expect((await command('restore', join(folder, name), '--data', elsewhere)).err, name).toContain(
      'BACKUP_DAMAGED',
    );
  expect(
    readdirSync(elsewhere).filter((name) => name.startsWith('coordinator.db') && !name.includes('lock')),
  ).toEqual([]);
  expect((await command('backup', file, '--data', makeFolder('nothing'))).err).toContain(
    'BACKUP_NO_DATABASE',
  );
});

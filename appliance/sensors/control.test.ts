import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { heard } from '../../test/unit/heard.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { runProgram } from '../program.ts';
import { serveControl } from '../site/control/server.ts';
import { type SensorsControlParts, sensorsControl } from './control.ts';
import { sensorLab } from './lab/sensor-lab.ts';
import { openAuthority } from './pki/authority.ts';
import type { SensorProgram } from './programs/program-folder.ts';

let sensors: SensorsControlParts;
let socket: string;
let end: () => Promise<void>;
const kinds: string[] = [];
const programs: SensorProgram[] = [];
beforeEach(async () => {
  const folder = makeFolder('sensors');
  socket = join(folder, 'control.sock');
  kinds.length = 0;
  programs.length = 0;
  const lab = sensorLab(folder);
  const { registry, admission } = lab.parts;
  const authority = await openAuthority(folder, () => new Date());
  const evidence: SensorsControlParts['evidence'] = {
    async append(entries) {
      kinds.push(...entries.map(({ kind }) => kind));
      return { seq: kinds.length, hash: '' };
    },
  };
  sensors = { admission, authority, registry, evidence, programs: { list: () => programs } };
  const control = serveControl({ socket, parts: [sensorsControl(sensors)], onFault: () => {} });
  end = async () => {
    await control.stop();
    await lab.close();
  };
});
afterEach(() => end());

const bulkhead = (...args: string[]) =>
  heard((io) => runProgram(['sensors', ...args, '--socket', socket], io));
const json = async (...args: string[]) => JSON.parse((await bulkhead(...args, '--json')).out);
const plea = (more: object) => ({
  ...{ way: 'grpc' as const, hostname: 'desk-7', domain: null, os_version: 'Debian 12', agent_version: '1' },
  ...{ mac_address: null, code: null, claim: null, address: '192.0.2.7' },
  ...more,
});

test('a person makes a code, sees who came by it, changes what it may do, and puts it out', async () => {
  expect((await bulkhead('list')).out).toBe('no sensor is in\n');
  const { code, ca_sha256 } = await json('code', '--tier', 'self_heal');
  expect(ca_sha256).toBe(sensors.authority.fingerprint);
  const answer = await sensors.admission.admit(plea({ code }));
  if (answer.outcome !== 'admitted') throw new Error('it was not let in');
  const { id } = answer.sensor;
  expect(await json('list')).toMatchObject([{ id, tier: 'self_heal', hostname: 'desk-7' }]);
  expect((await bulkhead('tier', id, 'full_remediation')).out).toBe(`${id} (desk-7) is full_remediation\n`);
  expect((await bulkhead('show', id)).out).toMatch(/^tier +full_remediation$/m);
  await sensors.registry.software.keep(id, ['openssh 9.2']);
  expect((await bulkhead('software', id)).out).toBe('openssh 9.2\n');
  expect((await bulkhead('revoke', id)).out).toBe(`${id} (desk-7) is revoked\n`);
  expect((await bulkhead('list')).out).toContain('revoked 2');
  expect(kinds).toEqual(['sensor.tier_changed', 'sensor.revoked']);
  expect(await bulkhead('tier', id, 'self_heal')).toMatchObject({
    code: 1,
    err: expect.stringContaining('SENSOR_REVOKED'),
  });
});

test('a person lets in one that waits, and refuses another', async () => {
  const claims = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
  for (const claim of claims) await sensors.admission.admit(plea({ claim }));
  const [first, second] = await json('waiting');
  expect((await bulkhead('waiting')).out).toContain(first.fingerprint);
  expect((await bulkhead('list')).out).toContain('waiting to be let in: 2');
  expect((await bulkhead('admit', first.fingerprint)).out).toContain('is let in at its next try');
  expect((await bulkhead('refuse', second.fingerprint)).out).toContain('is refused');
  const outcomes = await Promise.allSettled(claims.map((claim) => sensors.admission.admit(plea({ claim }))));
  const told = outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? outcome.value.outcome : outcome.reason.code,
  );
  expect(told.sort()).toEqual(['SENSOR_REFUSED', 'admitted']);
  expect(sensors.registry.list()).toMatchObject([{ tier: 'monitor_only', admitted_by: 'operator' }]);
});

test('who is not known, and what is no tier, is told so', async () => {
  expect(await bulkhead('show', 's-0000000000000000')).toMatchObject({
    ...{ code: 1, err: expect.stringContaining('SENSOR_UNKNOWN') },
  });
  expect(await bulkhead('code', '--tier', 'root')).toMatchObject({
    ...{ code: 1, err: expect.stringContaining('SENSOR_TIER_UNKNOWN') },
  });
  expect(await bulkhead('admit', 'ffffffff')).toMatchObject({
    ...{ code: 1, err: expect.stringContaining('SENSOR_NOT_WAITING') },
  });
});

test('the list says which version each sensor runs, and who is behind', async () => {
  const { code } = await json('code');
  const answer = await sensors.admission.admit(plea({ code, agent_version: '1.0.0' }));
  if (answer.outcome !== 'admitted') throw new Error('it was not let in');
  expect((await bulkhead('list')).out).toMatch(/ 1\.0\.0 +heard /);
  programs.push({
    ...{ platform: 'linux-x64', version: '1.1.0', size_bytes: 1, sha256: '', file: '', signature_file: '' },
  });
  expect((await bulkhead('list')).out).toMatch(/ 1\.0\.0 \(behind 1\.1\.0\) +heard /);
});

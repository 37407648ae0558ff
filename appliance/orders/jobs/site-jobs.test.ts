import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { KeptEvidence } from '../../healing/lab/healing-lab.ts';
import { type SensorsControlParts, sensorsControl } from '../../sensors/control.ts';
import { sensorLab } from '../../sensors/lab/sensor-lab.ts';
import { openAuthority } from '../../sensors/pki/authority.ts';
import { callSite } from '../../site/control/client.ts';
import { serveControl } from '../../site/control/server.ts';
import type { SiteJobType } from '../entry.ts';
import { makeEntry } from '../lab/order-lab.ts';
import { doSiteJob, type SiteAsk } from './site-jobs.ts';

let sensors: SensorsControlParts;
let site: SiteAsk;
let end: () => Promise<void>;
beforeEach(async () => {
  const folder = makeFolder('site-jobs');
  const socket = join(folder, 'control.sock');
  const { parts, close } = sensorLab(folder);
  const authority = await openAuthority(folder, () => new Date());
  sensors = { ...parts, authority, evidence: new KeptEvidence(), programs: { list: () => [] } };
  const control = serveControl({ socket, parts: [sensorsControl(sensors)], onFault: () => {} });
  site = (path, call) => callSite(path, { ...call, socket });
  end = async () => {
    await control.stop();
    await close();
  };
});
afterEach(() => end());

const order = (type: SiteJobType, parameters: Record<string, unknown>) =>
  doSiteJob(makeEntry(type, { parameters }), type, { site, fetchRules: async () => ({}) }, new Map());

describe('orders about sensors', () => {
  test('make a code that lets one in, list it, and put it out', async () => {
    const { facts } = await order('deploy_sensor', { host: 'till-1', tier: 'self_heal' });
    expect(facts).toMatchObject({
      host: 'till-1',
      tier: 'self_heal',
      ca_sha256: expect.stringMatching(/^[0-9a-f:]+$/i),
    });
    const plea = { way: 'http', hostname: 'till-1', domain: null, os_version: 'Debian 12' } as const;
    const more = { agent_version: '1', mac_address: null, claim: null, address: '192.0.2.7' };
    await sensors.admission.admit({ ...plea, ...more, code: String(facts['code']) });
    const status = await order('sensor_status', { host: 'till-1' });
    expect(status.facts).toEqual({ sensors: 1, waiting: 0 });
    expect(status.log).toMatch(/^s-[0-9a-f]{16} till-1 http self_heal version 1 heard /);
    expect((await order('sensor_status', { host: 'till-2' })).facts).toEqual({ sensors: 0, waiting: 0 });
    expect((await order('remove_sensor', { host: 'till-1' })).facts).toMatchObject({
      revoked: [expect.any(String)],
    });
    expect(sensors.registry.list()).toMatchObject([{ revoked_at: expect.any(String) }]);
    await expect(order('remove_sensor', { host: 'till-1' })).rejects.toMatchObject({
      code: 'ORDER_SENSOR_UNKNOWN',
    });
  });
});

test('a run of the checks tells of every control, or of those that are named', async () => {
  const control = (id: string, state: string) => ({ id, state, seen: 'what was seen', machines: null });
  const asked: string[] = [];
  const answering: SiteAsk = async (path, call) => {
    asked.push(`${call?.method} ${path}`);
    const elsewhere = { ...control('BH-EP-01', 'fails'), machines: { fails: 1 } };
    return { controls: [control('BH-AC-01', 'holds'), control('BH-AC-02', 'fails'), elsewhere] };
  };
  site = answering;
  expect((await order('run_drift', {})).facts).toMatchObject({ holds: 1, fails: 1, unknown: 0 });
  expect(await order('run_drift', { checks: ['bh-ac-02'] })).toMatchObject({
    facts: { holds: 0, fails: 1 },
    log: 'BH-AC-02 fails: what was seen\n',
  });
  await expect(order('run_drift', { checks: ['bh-zz-01'] })).rejects.toMatchObject({
    code: 'ORDER_CHECK_UNKNOWN',
  });
  expect(asked[0]).toBe('POST /v1/compliance/run');
});

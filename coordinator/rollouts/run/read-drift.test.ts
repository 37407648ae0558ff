import { describe, expect, test } from 'vitest';
import { type Habit, simulatedAppliance } from '../../../test/coordinator/appliance.ts';
import { BACKENDS, openBackends } from '../../../test/coordinator/backends.ts';
import { startLab } from '../../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../../test/coordinator/publisher.ts';
import { installLab } from '../../../test/unit/install-lab.ts';
import { publishRelease } from '../../client/publish.ts';
import { runProgram } from '../../program.ts';

const box = installLab();
const backends = openBackends();
const PATIENT = { timeout: 8000, interval: 200 };

interface Fleet {
  counts: Record<string, number>;
  devices: { device_id: string }[];
}

describe.each(BACKENDS)('on %s', (backend) => {
  test('every appliance is told from what the last rollout wanted of it', async () => {
    const { data, url } = await backends.place(backend);
    const lab = await startLab({
      data,
      database_url: url,
      release_keys: TEST_KEYS_FILE,
      plan_interval_ms: 20,
    });
    const api = await administrator(lab);
    for (const name of ['new', 'far', 'half']) {
      await box.full(name);
      await publishRelease(api, box.bundleFile(name), { channel: 'stable', floors: [] });
    }
    const meant = (version: string, habit: Habit) =>
      simulatedAppliance(lab, { version, habit, tags: { meant: 'yes' } });
    const [done, behind, strange] = [
      await meant('1.1.0', 'succeed'),
      await meant('1.1.0', 'stay_silent'),
      await meant('1.0.0', 'stay_silent'),
    ];
    const other = await simulatedAppliance(lab);
    const begin = async (version: string, more: object) => {
      const body = { version, stages: [{ percent: 100 }], ...more };
      const { id } = (await api.call('POST', '/api/v1/rollouts', body)) as { id: string };
      await api.call('POST', `/api/v1/rollouts/${id}/actions`, { action: 'approve' });
      return id;
    };
    const fleet = async (query = '') => (await api.call('GET', `/api/v1/drift${query}`)) as Fleet;
    const driftOf = (id: string) => api.call('GET', `/api/v1/devices/${id}/drift`);

    expect((await fleet()).counts).toMatchObject({ no_deployment: 4 });
    await begin('1.3.0', { cohort: 'tag.meant exists' });
    await expect
      .poll(async () => {
        for (const one of [done, behind, strange]) await one.turn();
        return (await fleet()).counts;
      }, PATIENT)
      .toEqual({ up_to_date: 1, behind: 1, ahead: 0, unknown: 1, no_deployment: 1 });
    expect(await driftOf(behind.id)).toMatchObject({
      ...{ running: '1.1.0', desired: '1.3.0', state: 'behind', releases: 2 },
    });
    expect(await driftOf(strange.id)).toMatchObject({ running: '1.0.0', state: 'unknown', releases: null });
    expect(await driftOf(other.id)).toMatchObject({ desired: null, state: 'no_deployment' });
    expect((await fleet('?state=up_to_date')).devices).toMatchObject([{ device_id: done.id }]);
    expect((await fleet(`?after=${strange.id}`)).devices).toMatchObject([{ device_id: other.id }]);
    await expect(driftOf('0'.repeat(36))).rejects.toMatchObject({ code: 'DEVICE_UNKNOWN' });

    // An older release is wanted of one that does not take it.
    done.habit = 'stay_silent';
    const id = await begin('1.2.0', { cohort: `id eq "${done.id}"`, allow_downgrade: true });
    await expect
      .poll(async () => {
        await done.turn();
        return await driftOf(done.id);
      }, PATIENT)
      .toMatchObject({ desired: '1.2.0', state: 'ahead', releases: 1 });
    await api.call('POST', `/api/v1/rollouts/${id}/actions`, { action: 'cancel' });
    expect(await driftOf(done.id)).toMatchObject({ desired: '1.3.0', state: 'up_to_date' });

    let out = '';
    const token = `${data}/token`;
    await Bun.write(token, await lab.admin());
    const io = {
      out: (text: string) => (out += text),
      err: (text: string) => (out += text),
      setExitCode: () => {},
    };
    await runProgram(['drift', '--state', 'behind', '--server', lab.url, '--token-file', token], io);
    expect(out).toContain(behind.id);
  }, 15_000);
});

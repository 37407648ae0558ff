import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { VERSION } from '../../base/version.ts';
import { follow } from '../../scripts/demo/follow.ts';
import { imageKeyset } from '../../scripts/release-keys.ts';
import { ask, cli, type StartedCoordinator, startCoordinator } from '../../scripts/start/coordinator.ts';
import type { Status } from '../../status-page/status.ts';
import { type Appliance, applianceForTest } from './fixtures/appliance.ts';
import { BUILD, readManifest, SLOT_FILE } from './fixtures/image.ts';
import { installedDisk } from './fixtures/installed-disk.ts';
import { publish, type ReleaseFolder, releaseFolderForTest } from './fixtures/releases.ts';
import { buildVariant, removeVariants, type Variant } from './fixtures/variants.ts';
import { readExt4File, writeExt4File } from './harness/disk-content.ts';
import { freePort } from './harness/ports.ts';
import { healthyOn } from './update-steps.ts';

/** An appliance and its coordinator, both as they ship, from the first question to a release that comes back. */

const FULL = process.env['BULKHEAD_FULL'] === '1';
const BETTER = '0.2.0';
const BROKEN = '0.3.0';
const CONFIG = '/config.yaml';
const LINK_TIMEOUT_MS = 3 * 60_000;
const CHANGE_TIMEOUT_MS = 60_000;

afterAll(removeVariants);

test('an appliance is let in by the code on its page, is heard, tells what changes and is updated by a rollout', {
  timeout: 40 * 60_000,
}, async () => {
  const coordinator = await coordinatorForTest();
  const disk = await installedDisk('fleet');
  const config = new TextDecoder().decode(await readExt4File(disk, 'MSP-DATA', CONFIG));
  await writeExt4File(
    disk,
    'MSP-DATA',
    CONFIG,
    new TextEncoder().encode(`${config}\n${coordinator.configuration()}`),
  );
  const appliance = await applianceForTest(disk, { name: 'fleet' });
  await healthyOn(appliance, VERSION, 'A');

  const waiting = await linkWhere(appliance, ({ state, code }) => state === 'pending' && code !== null);
  const { id } = JSON.parse(await cli(coordinator, ['device', 'approve', String(waiting?.code)])) as {
    id: string;
  };
  await linkWhere(appliance, ({ state }) => state === 'connected');
  const device = () => ask(coordinator, 'GET', `/api/v1/devices/${id}`);
  await expect
    .poll(device, { timeout: LINK_TIMEOUT_MS, interval: 2_000 })
    .toMatchObject({ presence: 'online', image_version: VERSION, fingerprint: { active_slot: 'A' } });

  expect(await appliance.ssh('bulkhead config set site_id told-at-once')).toMatchObject({ code: 0 });
  const changes = async () => JSON.stringify(await ask(coordinator, 'GET', `/api/v1/devices/${id}/changes`));
  await expect.poll(changes, { timeout: CHANGE_TIMEOUT_MS, interval: 1_000 }).toContain('configuration_hash');

  const releases = releaseFolderForTest('fleet');
  const better = await buildVariant('better', BETTER, (tree) =>
    writeFileSync(join(tree, 'usr/lib/bulkhead/greeting'), 'good morning\n'),
  );
  await rollOut(coordinator, releases, better, id, 'update', { file: SLOT_FILE, manifest: readManifest() });
  await healthyOn(appliance, BETTER, 'B');
  expect(await device()).toMatchObject({ image_version: BETTER, fingerprint: { active_slot: 'B' } });

  if (!FULL) return;
  const broken = await buildVariant('broken', BROKEN, (tree) => {
    const list = join(tree, 'usr/lib/bulkhead/critical-units');
    writeFileSync(list, `${readFileSync(list, 'utf8')}never-built.service\n`);
  });
  await rollOut(coordinator, releases, broken, id, 'rollback');
  await healthyOn(appliance, BETTER, 'B');
  expect(await device()).toMatchObject({ image_version: BETTER, fingerprint: { active_slot: 'B' } });
});

/** The built program with a database of its own, ended with the test. */
async function coordinatorForTest(): Promise<StartedCoordinator> {
  const folder = join(BUILD, 'boot-releases', `coordinator-${process.pid}-${Date.now()}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort(0);
  if (port === undefined) throw new Error('no port is free');
  const coordinator = await startCoordinator(port, imageKeyset(process.env, BUILD, Date.now()), folder);
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

type Link = NonNullable<Status['coordinator']['link']>;

async function linkWhere(appliance: Appliance, accept: (link: Link) => boolean): Promise<Link> {
  const answer = await appliance.machine.http(80).waitForHttp(
    '/api/v1/status',
    (got) => {
      const { link } = (got.json() as Status).coordinator;
      return got.status === 200 && link != null && accept(link);
    },
    LINK_TIMEOUT_MS,
  );
  const { link } = (answer.json() as Status).coordinator;
  if (link == null) throw new Error('the page says nothing of a link');
  return link;
}

/** Publishes a release, draws up a rollout to everybody, approves it and follows it to the end that it should have. */
async function rollOut(
  coordinator: StartedCoordinator,
  releases: ReleaseFolder,
  release: Variant,
  device_id: string,
  kind: 'update' | 'rollback',
  base?: Pick<Variant, 'file' | 'manifest'>,
): Promise<void> {
  const { version } = release.manifest;
  const file = await publish(releases, `${version}.bundle`, release, {
    from: base === undefined ? [] : [base],
  });
  await cli(coordinator, ['release', 'upload', file, '--channel', 'test']);
  const rollout = await ask(coordinator, 'POST', '/api/v1/rollouts', {
    ...{ version, cohort: 'all', name: version, stages: [{ percent: 100 }], soak_ms: 0 },
    ...{ errors_max_count: 0, errors_max_percent: 0 },
  });
  const rollout_id = String(rollout['id']);
  await ask(coordinator, 'POST', `/api/v1/rollouts/${rollout_id}/actions`, { action: 'approve' });
  await follow(coordinator, { rollout_id, device_id, kind }, console.log);
}

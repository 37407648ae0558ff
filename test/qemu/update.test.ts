import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  openSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { VERSION } from '../../base/version.ts';
import { makeSyntheticSlot, type SyntheticSlot } from '../../updater/testing/synthetic-slot.ts';
import { generateSigner } from '../../updater/testing/test-keys.ts';
import { type Appliance, applianceForTest } from './fixtures/appliance.ts';
import { readManifest } from './fixtures/image.ts';
import { installedDisk } from './fixtures/installed-disk.ts';
import {
  keysetsWithout,
  type PublishOptions,
  publish,
  publishTooLarge,
  type Releases,
  releasesForTest,
  republish,
} from './fixtures/releases.ts';
import { buildVariant, removeVariants, type Variant } from './fixtures/variants.ts';
import { readPartitions, writeExt4File } from './harness/disk-content.ts';
import { findPartition } from './harness/gpt.ts';
import type { DiskFile } from './harness/options.ts';
import { healthyOn, install, updateState } from './update-steps.ts';

/**
 * One appliance through the life of its releases: from A to B by a file, to A over a line that breaks, to B by a delta, to A by
 * single blocks, back by an operator; and everything that it must refuse, at the end, on a machine that has to be
 * as healthy afterwards as before.
 */

/** A line that breaks all the time is what a mobile modem in a cellar is. */
const CUT_EVERY_BYTES = 3 * 1024 ** 2;
/** Six boots and their transfers take about ten minutes on a machine of its own. */
const LIFE_TIMEOUT_MS = 40 * 60_000;

/** Above half of the disk that boot tests install to: no slot there is as long. */
const TOO_LARGE_BYTES = 8 * 1024 ** 3;
/** The updater waits half a minute for a byte, then says so, and the operator has had enough. On a busy computer everything takes longer. */
const SAYS_STALLED_S = 120;

afterAll(removeVariants);

/** A release that differs in one small file and its version. */
function release(version: string): Promise<Variant> {
  return buildVariant(`update-${version}`, version, (tree) => {
    writeFileSync(join(tree, 'usr/lib/bulkhead/greeting'), `this is ${version}\n`);
  });
}

/** Tells the SHA-256 of as many bytes of a slot as an image has, from the disk itself, behind the machine's back. */
async function digestsOf(disk: DiskFile): Promise<(label: string, bytes: number) => Promise<string>> {
  // Now, because QEMU's tools do not open the disk of a machine that runs.
  const partitions = await readPartitions(disk);
  return async (label, bytes) => {
    const { offset_bytes } = findPartition(partitions, label);
    const hash = createHash('sha256');
    const end = offset_bytes + bytes - 1;
    for await (const chunk of createReadStream(disk.path, { start: offset_bytes, end }))
      hash.update(chunk as Uint8Array);
    return hash.digest('hex');
  };
}

async function fileDigest(path: string): Promise<string> {
  return (await runOrThrow(run, 'sha256sum', [path])).slice(0, 64);
}

test('an appliance goes from release to release by file, over broken lines, by delta and by blocks, and back', {
  timeout: LIFE_TIMEOUT_MS,
}, async () => {
  const releases = await releasesForTest('update');
  const [two, three, four, five] = [
    await release('0.2.0'),
    await release('0.3.0'),
    await release('0.4.0'),
    await release('0.5.0'),
  ];
  const byFile = await publish(releases, 'two.bundle', two);
  await publish(releases, 'three.bundle', three);
  await publish(releases, 'four.bundle', four, { from: [three] });
  await publish(releases, 'five.bundle', five, { blocks: true });
  const disk = await installedDisk('update');
  await writeExt4File(disk, 'MSP-DATA', '/two.bundle', readFileSync(byFile));
  const slotDigest = await digestsOf(disk);
  const appliance = await applianceForTest(disk, { name: 'update' });
  await healthyOn(appliance, VERSION, 'A');
  const url = (name: string) => releases.server.url(name);

  // By a file.
  const file = await install(appliance, '/var/lib/msp/two.bundle --reboot');
  expect(file).toMatchObject({ code: 0, error: null });
  expect(file.events.at(-1)).toMatchObject({
    event: 'result',
    version: '0.2.0',
    slot: 'B',
    method: 'full',
    fetched_bytes: 0,
  });
  await healthyOn(appliance, '0.2.0', 'B');
  expect(await slotDigest('root-b', two.manifest.blob_bytes)).toBe(await fileDigest(two.file));

  // Over a line that is cut every few megabytes: nothing is fetched twice.
  releases.server.mischief.set('three.bundle', { cutEvery_bytes: CUT_EVERY_BYTES });
  const cut = await install(appliance, `${url('three.bundle')} --reboot`);
  expect(cut).toMatchObject({ code: 0, error: null });
  const asked = releases.server.requests.filter(
    ({ path, status }) => path === 'three.bundle' && status === 206,
  );
  const payload_bytes = releases.server.sent_bytes;
  expect(asked.length).toBeGreaterThan(10);
  expect(payload_bytes).toBeLessThan(statSync(join(releases.folder, 'three.bundle')).size * 1.1);
  await healthyOn(appliance, '0.3.0', 'A');
  expect(await slotDigest('root-a', three.manifest.blob_bytes)).toBe(await fileDigest(three.file));

  // By a delta of a few kilobytes.
  const before_bytes = releases.server.sent_bytes;
  const delta = await install(appliance, `${url('four.bundle')} --delta-only --max-fetch 20K --reboot`);
  expect(delta.events.at(-1)).toMatchObject({ event: 'result', version: '0.4.0', method: 'delta' });
  expect(releases.server.sent_bytes - before_bytes).toBeLessThan(4096);
  await healthyOn(appliance, '0.4.0', 'B');
  expect(await slotDigest('root-b', four.manifest.blob_bytes)).toBe(await fileDigest(four.file));

  // By single blocks, where nobody made a delta.
  const beforeBlocks_bytes = releases.server.sent_bytes;
  const blocks = await install(appliance, `${url('five.bundle')} --reboot`);
  expect(blocks.events.at(-1)).toMatchObject({ event: 'result', version: '0.5.0', method: 'blocks' });
  expect(releases.server.sent_bytes - beforeBlocks_bytes).toBeLessThan(200 * 1024);
  await healthyOn(appliance, '0.5.0', 'A');
  expect(await slotDigest('root-a', five.manifest.blob_bytes)).toBe(await fileDigest(five.file));

  // An operator wants the release before.
  const back = await appliance.ssh('bulkhead update rollback --reboot --json');
  expect(back.code).toBe(0);
  await healthyOn(appliance, '0.4.0', 'B');
  const again = await install(appliance, url('five.bundle'));
  expect(again.error?.code).toBe('UPDATE_REJECTED_BEFORE');

  const { history } = await updateState(appliance);
  expect(history.slice(0, 6).map(({ outcome, version }) => `${outcome} ${version}`)).toEqual([
    'failed 0.5.0',
    'succeeded 0.4.0',
    'succeeded 0.5.0',
    'succeeded 0.4.0',
    'succeeded 0.3.0',
  ]);

  await refusals(appliance, releases, four);
});

/** What an operator would compare: the boot state, and what is in which slot. */
async function standing(appliance: Appliance): Promise<string> {
  return (await appliance.ssh('sha256sum /boot/ab_state; bulkhead slots --json | grep -v collectedAt'))
    .stdout;
}

function flip(path: string, at_bytes: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at_bytes);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(file, byte, 0, 1, at_bytes);
  closeSync(file);
}

/** A small release that is signed like a large one: what is refused by its head needs no more. */
async function publishSmall(
  releases: Releases,
  name: string,
  slot: Partial<SyntheticSlot>,
  options: PublishOptions = {},
): Promise<string> {
  const file = join(releases.folder, `${name}.slot`);
  writeFileSync(file, makeSyntheticSlot({ blocks: 600, seed: 7, version: '0.6.0', ...slot }));
  return publish(releases, `${name}.bundle`, { file, manifest: readManifest() }, options);
}

/** Everything that must be refused, each with its own code, on a machine that is as it was after each, and healthy at the end. */
async function refusals(appliance: Appliance, releases: Releases, running: Variant): Promise<void> {
  await publishBad(releases);
  await publish(releases, 'same.bundle', running);
  const before = await standing(appliance);
  for (const [name, code] of [
    ['stranger.bundle', 'KEYS_UNKNOWN'],
    ['revoked.bundle', 'KEYS_REVOKED'],
    ['expired.bundle', 'BUNDLE_EXPIRED'],
    ['step.bundle', 'UPDATE_STEP_MISSING'],
    ['old.bundle', 'UPDATE_DOWNGRADE'],
    ['hardware.bundle', 'UPDATE_WRONG_HARDWARE'],
    ['large.bundle', 'UPDATE_SLOT_TOO_SMALL'],
    ['cut-head.bundle', 'BUNDLE_TRUNCATED'],
    ['cut-payload.bundle', 'BUNDLE_TRUNCATED'],
    ['longer.bundle', 'BUNDLE_TOO_LONG'],
    ['flipped-manifest.bundle', /^(DSSE|BUNDLE|KEYS)_/],
    ['no-bundle.bundle', 'BUNDLE_NOT_ONE'],
    ['redirected.bundle', 'FETCH_REDIRECT_REFUSED'],
    ['endless.bundle', 'FETCH_SIZE_UNKNOWN'],
    ['lying.bundle', 'FETCH_LENGTH_WRONG'],
    ['no-ranges.bundle', 'FETCH_RANGE_IGNORED'],
    ['missing.bundle', 'FETCH_NOT_FOUND'],
  ] as const) {
    const answer = await install(appliance, releases.server.url(name));
    expect(answer.code, name).toBe(1);
    expect(answer.error?.code, `${name}: ${answer.error?.message}`).toMatch(code);
    expect(await standing(appliance), name).toBe(before);
  }
  await expectStalledIsLeft(appliance, releases);
  const same = await install(appliance, releases.server.url('same.bundle'));
  expect([same.code, same.events.at(-1)?.['event']]).toEqual([0, 'already-running']);
  const capped = await install(appliance, `${releases.server.url('good.bundle')} --max-fetch 64K`);
  expect(capped.error?.code).toBe('FETCH_DATA_CAP');
  expect(await standing(appliance)).toBe(before);
  // This one is found out in the middle: the standby slot is given up, what runs is not.
  const damaged = await install(appliance, releases.server.url('flipped-payload.bundle'));
  expect(damaged.error?.code, damaged.error?.message).toBe('UPDATE_PIECE_DAMAGED');
  const health = await appliance.ssh('bulkhead health-gate --observe --json');
  expect(health.code, health.stdout).toBe(0);
  const { stdout } = await appliance.ssh('bulkhead slots --json');
  expect(JSON.parse(stdout)).toMatchObject({ slot: 'B', bootState: { active: 'B', trial: null } });
}

async function publishBad(releases: Releases): Promise<void> {
  await publishSmall(releases, 'good', {});
  await publishSmall(releases, 'stranger', {}, { signers: [generateSigner()] });
  await publishSmall(releases, 'revoked', {}, { keysets: keysetsWithout(releases.signer) });
  await publishSmall(releases, 'expired', {}, { expires: '2026-01-03T00:00:00Z' });
  await publishSmall(releases, 'step', {}, { replaces_min: '0.5.0' });
  await publishSmall(releases, 'old', { version: '0.1.0' });
  await publishSmall(releases, 'hardware', { compatible: ['hp-t740'] });
  await publishTooLarge(releases, 'large.bundle', join(releases.folder, 'good.slot'), TOO_LARGE_BYTES);
  const { size } = statSync(join(releases.folder, 'good.bundle'));
  const spoilt = (name: string, change: (path: string) => void) =>
    change(republish(releases, 'good.bundle', `${name}.bundle`));
  spoilt('cut-head', (path) => truncateSync(path, 100));
  spoilt('cut-payload', (path) => truncateSync(path, Math.floor(size / 2)));
  spoilt('longer', (path) => truncateSync(path, size + 4096));
  spoilt('flipped-manifest', (path) => flip(path, 200));
  spoilt('flipped-payload', (path) => flip(path, size - 1000));
  spoilt('no-bundle', (path) => writeFileSync(path, 'this is no bundle\n'.repeat(100)));
  for (const [name, mischief] of [
    ['redirected', { redirectTo: 'http://10.0.2.99:443/good.bundle' }],
    ['endless', { ignoreRanges: true, endless: true }],
    ['lying', { lieAbout_bytes: 4096 }],
    ['no-ranges', { ignoreRanges: true }],
    ['stalled', { stallAfter_bytes: 0 }],
  ] as const) {
    spoilt(name, () => {});
    releases.server.mischief.set(`${name}.bundle`, mischief);
  }
}

/** A server that takes the request and says nothing is waited for, out loud, until the operator ends it: then nothing has changed. */
async function expectStalledIsLeft(appliance: Appliance, releases: Releases): Promise<void> {
  const before = await standing(appliance);
  const url = releases.server.url('stalled.bundle');
  const { stdout, stderr } = await appliance.ssh(
    [
      `bulkhead update install --json ${url} & update=$!`,
      `for second in $(seq ${SAYS_STALLED_S}); do grep -q FETCH_STALLED /run/bulkhead/update.json && break; sleep 1; done`,
      'cat /run/bulkhead/update.json',
      'kill -TERM $update',
      'wait $update',
      'echo "ended with $?"',
    ].join('\n'),
    (SAYS_STALLED_S + 60) * 1000,
  );
  expect(stdout).toContain('FETCH_STALLED');
  expect(stdout).toContain('ended with 1\n');
  expect(stderr).toMatch(/"code": "(FETCH_ABORTED|UPDATE_STOPPED)"/);
  expect(await standing(appliance)).toBe(before);
}

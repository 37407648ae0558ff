import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { FOOTER_BYTES, parseFooter } from '../../partitions/slot-blob.ts';
import { writeBlocks, writeBundle } from '../../updater/bundle/write-bundle.ts';
import { writeDeltaBundle } from '../../updater/bundle/write-delta.ts';
import { TransferMeter } from '../../updater/fetch/meter.ts';
import {
  type InstallEvent,
  type InstallResult,
  type InstallTools,
  type InstallWishes,
  installRelease,
} from '../../updater/install/install.ts';
import { deltaSuffix, releasePlace } from '../../updater/install/release-place.ts';
import { jsonFile } from '../../updater/state/json-file.ts';
import { PendingUpdate } from '../../updater/state/records.ts';
import { makeSyntheticSlot } from '../../updater/testing/synthetic-slot.ts';
import { TEST_RELEASE, testTrust } from '../../updater/testing/test-keys.ts';
import { type ReleaseServer, serveReleases } from '../qemu/harness/release-server.ts';

/** What runs. */
export const OLD = makeSyntheticSlot({ blocks: 1500, seed: 1, version: '1.0.0' });
/** One block differs, and ten are new. */
export const NEW = makeSyntheticSlot({
  blocks: 1510,
  seed: 1,
  version: '1.1.0',
  mutate: (data) => data.fill(0x42, 700 * 4096, 700 * 4096 + 300),
});
/** Nothing is the same. */
export const FAR = makeSyntheticSlot({ blocks: 1510, seed: 2, version: '1.2.0' });
/** A good megabyte in the middle differs: single blocks are worth it, and take several checkpoints. */
export const HALF = makeSyntheticSlot({
  blocks: 1510,
  seed: 1,
  version: '1.3.0',
  mutate: (data) => {
    for (let at = 100 * 4096, noise = 1; at < 430 * 4096; at += 1) {
      noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) | 0;
      data[at] = noise >>> 24;
    }
  },
});
const PARTITION_BYTES = 8 * 1024 * 1024;
export const rootOf = (slot: Uint8Array) => parseFooter(slot.subarray(-FOOTER_BYTES)).verity.root_hash;

/**
 * Releases on a real HTTP server, a file as the slot, and everything between them for real; new for each test of a file that
 * calls this.
 */
export function installLab() {
  let made: { folder: string; server: ReleaseServer };
  const steps: string[] = [];
  const events: InstallEvent[] = [];
  beforeEach(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-install-'));
    made = { folder, server: await serveReleases(folder, 0) };
    const file = openSync(join(folder, 'target'), 'w');
    ftruncateSync(file, PARTITION_BYTES);
    closeSync(file);
    for (const [name, slot] of Object.entries({ old: OLD, new: NEW, far: FAR, half: HALF }))
      writeFileSync(image(name), slot);
    steps.length = 0;
    events.length = 0;
  });
  afterEach(async () => {
    await made.server.close();
    rmSync(made.folder, { recursive: true });
  });

  const image = (name: string) => join(made.folder, `${name}.slot`);
  const bundleFile = (name: string) => join(made.folder, `${name}.bundle`);
  const url = (name: string) => `http://127.0.0.1:${made.server.port}/${name}`;
  const full = (name: string, signer = TEST_RELEASE, more: { sbom?: Uint8Array } = {}) =>
    writeBundle(bundleFile(name), { slot_image: image(name), signers: [signer], zstd_level: 3, ...more });
  const blocks = async (name: string) => {
    const { data_bytes } = parseFooter(readFileSync(image(name)).subarray(-FOOTER_BYTES));
    await writeBlocks(`${bundleFile(name)}.blocks`, image(name), data_bytes);
  };
  const delta = (name: string) =>
    writeDeltaBundle(`${bundleFile(name)}${deltaSuffix(rootOf(OLD))}`, {
      slot_image: image(name),
      base_image: image('old'),
      signers: [TEST_RELEASE],
    });

  function tools(meter: TransferMeter, more: Partial<InstallTools> = {}): InstallTools {
    const { data_bytes, blob_bytes } = parseFooter(OLD.subarray(-FOOTER_BYTES));
    const note = (step: string) => async () => {
      steps.push(step);
    };
    const pending = jsonFile(join(made.folder, 'pending.json'), PendingUpdate, 'the pending update');
    return {
      machine: {
        hardware: 'qemu',
        running: { slot: 'A', version: '1.0.0', root_hash: rootOf(OLD) },
        target_bytes: PARTITION_BYTES,
        rejected: [],
      },
      target: { slot: 'B', device: join(made.folder, 'target') },
      base: { device: image('old'), data_bytes, blob_bytes },
      trust: { keys: testTrust(), store: () => steps.push('trust') },
      boot: { id: 'boot-1', armed: async () => null, discard: note('discard'), arm: note('arm') },
      pending: {
        ...pending,
        write: (value) => {
          steps.push('pending');
          pending.write(value);
        },
      },
      journalFile: join(made.folder, 'transfer.jsonl'),
      now: () => new Date('2026-11-21T12:00:00Z'),
      transferred_bytes: () => meter.transferred_bytes,
      onEvent: (event) => events.push(event),
      ...more,
    };
  }

  /** From one file or from mirrors. */
  async function install(
    locations: string | readonly string[],
    wishes: Partial<InstallWishes> = {},
    more: Partial<InstallTools> = {},
  ): Promise<InstallResult> {
    const { fetch_max_bytes: max_bytes } = more;
    const meter = new TransferMeter(max_bytes === undefined ? {} : { max_bytes });
    const place = releasePlace([locations].flat(), {
      ...{ meter, attempts_max: 4, stall_timeout_ms: 300, random: () => 0 },
    });
    return installRelease(place, { allowed: {}, reboot: 'no', ...wishes }, tools(meter, more));
  }

  const inSlot = (slot: Uint8Array) => readFileSync(lab.device).subarray(0, slot.length).equals(slot);
  const untouched = () => readFileSync(lab.device).every((byte) => byte === 0);
  const lab = {
    get folder() {
      return made.folder;
    },
    get server() {
      return made.server;
    },
    get device() {
      return join(made.folder, 'target');
    },
    /** What was done to boot state and records, in order. */
    steps,
    events,
    ...{ image, bundleFile, url, full, blocks, delta, tools, install, inSlot, untouched },
  };
  return lab;
}

/** Flips one bit of a file. */
export function flipBit(path: string, at_bytes: number): void {
  const bytes = readFileSync(path);
  const at = at_bytes < 0 ? bytes.length + at_bytes : at_bytes;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

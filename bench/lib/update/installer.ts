import { readFileSync, writeSync } from 'node:fs';
import { TransferMeter } from '../../../updater/fetch/meter.ts';
import { installRelease } from '../../../updater/install/install.ts';
import { releasePlace } from '../../../updater/install/release-place.ts';
import { trustKeysetFile } from '../../../updater/signing/trusted-keys.ts';
import { jsonFile } from '../../../updater/state/json-file.ts';
import { type Method, PendingUpdate } from '../../../updater/state/records.ts';

/**
 * The updater without an appliance around it: what `bulkhead update install` does between its last question and the boot
 * state, on devices that are named. Its argument is a file with an InstallerOrder. Compiled like the program on the box, so that its memory is honest.
 */
export interface InstallerOrder {
  location: string;
  methods: Method[];
  device: string;
  device_bytes: number;
  base: { device: string; data_bytes: number; blob_bytes: number; version: string; root_hash: string };
  keysetFile: string;
  journalFile: string;
  pendingFile: string;
}

export interface InstallerReport {
  method: Method;
  fetched_bytes: number;
  /** From the first question to the end, the start of the program not included. */
  seconds: number;
  /** The last part of it: tree, read-back and first block. */
  read_back_s: number;
  /** VmHWM, and what RssAnon and RssFile were at the end. */
  peak_bytes: number;
  anonymous_bytes: number;
  file_bytes: number;
}

const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as InstallerOrder;
const meter = new TransferMeter({});
const start_ms = performance.now();
let readBack_ms = start_ms;
const { method, fetched_bytes } = await installRelease(
  releasePlace([order.location], { meter, attempts_max: 1 }),
  { methods: order.methods, allowed: { anyHardware: true }, reboot: 'no' },
  {
    machine: {
      hardware: null,
      running: { slot: 'A', version: order.base.version, root_hash: order.base.root_hash },
      target_bytes: order.device_bytes,
      rejected: [],
    },
    target: { slot: 'B', device: order.device },
    base: order.base,
    trust: { keys: trustKeysetFile(order.keysetFile), store: () => {} },
    boot: {
      id: 'bench',
      armed: async () => null,
      discard: async () => {},
      arm: async () => {},
    },
    pending: jsonFile(order.pendingFile, PendingUpdate, 'the pending update'),
    journalFile: order.journalFile,
    now: () => new Date(),
    transferred_bytes: () => meter.transferred_bytes,
    onEvent: (event) => {
      if (event.event === 'progress' && event.phase === 'transfer') readBack_ms = performance.now();
    },
  },
);
const end_ms = performance.now();
const status = readFileSync('/proc/self/status', 'utf8');
const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
const report: InstallerReport = {
  method,
  fetched_bytes,
  seconds: (end_ms - start_ms) / 1000,
  read_back_s: (end_ms - readBack_ms) / 1000,
  peak_bytes: field('VmHWM'),
  anonymous_bytes: field('RssAnon'),
  file_bytes: field('RssFile'),
};
writeSync(1, `${JSON.stringify(report)}\n`);

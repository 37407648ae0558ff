import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import type { CommandIo } from '../../../base/command-line.ts';
import type { Run } from '../../../base/run.ts';
import { LabMachine, verdictOf } from '../../../health-gate/lab/machine.ts';
import { readSlotContent } from '../../../health-gate/slot-facts.ts';
import { appendVerdict } from '../../../health-gate/verdict-journal.ts';
import { selectBoot } from '../../../partitions/boot-machine.ts';
import { commitBoot } from '../../../partitions/boot-machine-linux.ts';
import { type BootState, initialState } from '../../../partitions/boot-state.ts';
import { readBootStateFromDevice, writeBootState } from '../../../partitions/boot-state-store.ts';
import type { Slot } from '../../../partitions/slot.ts';
import { FOOTER_BYTES, parseFooter } from '../../../partitions/slot-blob.ts';
import { type BundleContent, writeBundle } from '../../../updater/bundle/write-bundle.ts';
import { serialiseKeysetFile } from '../../../updater/signing/keyset-file.ts';
import { readHistory } from '../../../updater/state/history.ts';
import type { PastUpdate } from '../../../updater/state/records.ts';
import { makeSyntheticSlot, type SyntheticSlot } from '../../../updater/testing/synthetic-slot.ts';
import { TEST_RELEASE, testKeysets } from '../../../updater/testing/test-keys.ts';
import { loadConfig } from '../../config/load.ts';
import { type UpdateTools, updateStateFiles } from '../update-tools.ts';

/**
 * A folder that looks like an appliance to `bulkhead update`: an ESP with its boot state, files as slots, the state files of
 * the data partition. Boot loader and health gate do what their tables say; the rest is the real thing.
 */
export class ApplianceLab {
  readonly machine = new LabMachine();
  readonly tools: UpdateTools;
  /** What would have been told to systemd. */
  readonly ran: string[] = [];
  /** What a command wrote. */
  out = '';
  err = '';
  readonly io: CommandIo = {
    out: (text) => {
      this.out += text;
    },
    err: (text) => {
      this.err += text;
    },
    setExitCode: () => undefined,
  };
  now = new Date('2026-11-21T12:00:00Z');
  /** Answer of `systemctl is-system-running`. */
  systemState = 'running';
  #boots = 0;
  running: Slot = 'A';

  constructor() {
    const at = (path: string) => this.machine.at(path);
    const run: Run = async (program, args) => {
      this.ran.push([program, ...args].join(' '));
      return { code: 0, stdout: `${this.systemState}\n`, stderr: '' };
    };
    this.tools = {
      slots: {
        paths: { ...this.machine.paths, updateLockFile: at('run/update.lock') },
        lockPatience_s: 0,
        isRoot: () => true,
        now: () => this.now,
        run,
      },
      ...updateStateFiles({
        pending: at('data/update/pending.json'),
        rejected: at('data/update/rejected.json'),
        progress: at('run/update.json'),
        request: at('data/update/request.json'),
      }),
      config: () =>
        loadConfig({ imageFile: at('usr/config.yaml'), deviceFile: at('data/config.yaml'), environment: {} }),
      paths: {
        transferJournal: at('data/update/transfer.jsonl'),
        history: at('data/update/history.jsonl'),
        imageKeyset: at('usr/keyset.json'),
        deviceKeyset: at('data/update/keyset.json'),
        verdictJournal: this.machine.paths.verdictJournalFile,
        bootLogs: at('data/boot-log'),
        dmiFolder: at('sys/class/dmi/id'),
        agentRequest: at('run/agent-request.json'),
        operatorRequest: at('run/operator-request.json'),
        clockSynchronised: at('run/synchronized'),
      },
    };
  }

  /** Release 1.0.0 runs from slot A, committed; nothing is in slot B. */
  async install(): Promise<void> {
    // The set-up of a boot makes this folder.
    mkdirSync(this.machine.at('data/update'), { recursive: true });
    this.machine.write('sys/class/dmi/id/sys_vendor', 'QEMU\n');
    this.machine.write('sys/class/dmi/id/product_name', 'Standard PC\n');
    this.machine.write('usr/keyset.json', serialiseKeysetFile(testKeysets()));
    this.writeSlot('A', { version: '1.0.0' });
    this.writeSlot('B', null);
    await this.machine.makeEsp(initialState('A'));
    await this.boot();
    await this.judge('healthy');
  }

  /** What the boot loader does: it counts, chooses, and starts a slot. */
  async boot({ canSave = true } = {}): Promise<void> {
    const whole = { A: await this.#isWhole('A'), B: await this.#isWhole('B') };
    const { next, slot, mode, attempt } = selectBoot(this.state, { canSave, whole });
    if (next) writeBootState(this.machine.espDevice, next);
    this.running = slot;
    this.#boots += 1;
    this.machine.boots(slot, { mode, attempt });
    this.machine.write('proc/sys/kernel/random/boot_id', `${this.bootId}\n`);
  }

  /** What the health gate does at the end of a boot. */
  async judge(outcome: 'healthy' | 'unhealthy', reason = 'agent: does not answer'): Promise<void> {
    const version = this.versionOf(this.running) ?? 'none';
    const verdict = { ...verdictOf(1, this.bootId), slot: this.running, version, outcome, reason };
    await appendVerdict(this.tools.paths.verdictJournal, verdict);
    const state = this.state;
    if (outcome === 'healthy' && state.failed !== this.running)
      writeBootState(this.machine.espDevice, commitBoot(state, this.running));
  }

  get bootId(): string {
    return `6f9619ff-8b86-4d01-b42d-${String(this.#boots).padStart(12, '0')}`;
  }

  get state(): BootState {
    const { state } = readBootStateFromDevice(this.machine.espDevice);
    if (state === null) throw new Error('the lab lost its boot state');
    return state;
  }

  get history(): PastUpdate[] {
    return readHistory(this.tools.paths.history);
  }

  get rebooted(): boolean {
    return this.ran.includes('systemctl reboot');
  }

  /** @returns path of a signed bundle of a release */
  async release(version: string, content: Partial<BundleContent> = {}): Promise<string> {
    const image = this.machine.write(`${version}.slot`, slotOf({ version }));
    const path = this.machine.at(`${version}.bundle`);
    await writeBundle(path, { slot_image: image, signers: [TEST_RELEASE], zstd_level: 1, ...content });
    return path;
  }

  versionOf(slot: Slot): string | null {
    const blob = readFileSync(this.machine.at(fileOf(slot))).subarray(0, SLOT_BYTES);
    const footer = blob.subarray(SLOT_BYTES - FOOTER_BYTES);
    try {
      return parseFooter(footer).version;
    } catch {
      return null;
    }
  }

  writeSlot(slot: Slot, image: Pick<SyntheticSlot, 'version'> | null): void {
    const path = this.machine.write(fileOf(slot), image === null ? new Uint8Array(0) : slotOf(image));
    const file = openSync(path, 'r+');
    ftruncateSync(file, PARTITION_BYTES);
    closeSync(file);
  }

  /** The device's own configuration. */
  configure(yaml: string): void {
    this.machine.write('data/config.yaml', yaml);
  }

  clockSynchronised(): void {
    writeFileSync(this.tools.paths.clockSynchronised, '');
  }

  remove(): void {
    this.machine.remove();
  }

  async #isWhole(slot: Slot): Promise<boolean> {
    const path = this.machine.at(fileOf(slot));
    return existsSync(path) && (await readSlotContent(path)).kind === 'image';
  }
}

const BLOCKS = 24;
const PARTITION_BYTES = 1024 * 1024;
const slotOf = ({ version }: { version: string }) =>
  makeSyntheticSlot({ blocks: BLOCKS, seed: Number(version.replaceAll('.', '')), version });
/** Of every slot image in the lab. */
const SLOT_BYTES = slotOf({ version: '1.0.0' }).length;
const fileOf = (slot: Slot) => `root-${slot.toLowerCase()}`;

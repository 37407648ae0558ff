import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BootState, serialiseBootState } from '../../partitions/boot-state.ts';
import type { Slot } from '../../partitions/slot.ts';
import { buildFooter, buildHeader, type SlotManifest } from '../../partitions/slot-blob.ts';
import type { CheckContext } from '../check.ts';
import type { GatePaths } from '../setup.ts';
import type { CheckResult, Verdict } from '../verdict-schema.ts';

/** For tests of the gate: a folder that looks like an appliance, made of real files and real programs. */

export const BOOT_ID = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
export const ROOT_HASH = 'a1'.repeat(32);

export class LabMachine {
  readonly folder = mkdtempSync(join(tmpdir(), 'bulkhead-gate-'));
  readonly espDevice = join(this.folder, 'esp.img');
  readonly paths: GatePaths = {
    procFolder: this.at('proc'),
    sysFolder: this.at('sys'),
    initrdReportFile: this.at('run/initrd.env'),
    dataMount: this.at('data'),
    dataProbeFolder: this.at('data/health'),
    firewallFactsFile: this.at('run/firewall.json'),
    imageInfoFile: this.at('usr/image.json'),
    criticalUnitsFile: this.at('usr/critical-units'),
    timeSynchronisedFile: this.at('run/synchronized'),
    verdictJournalFile: this.at('data/health/verdicts.jsonl'),
    healthFile: this.at('run/health.json'),
    machineFactsFile: this.at('run/machine.json'),
    mirrors: {
      updateState: this.at('data/update/update_state.json'),
      bootCount: this.at('data/update/boot_count'),
    },
    espMount: this.at('boot'),
    sysrqMaskFile: this.at('proc/sys/kernel/sysrq'),
    sysrqTriggerFile: this.at('proc/sysrq-trigger'),
  };

  constructor() {
    this.write('proc/sys/kernel/random/boot_id', `${BOOT_ID}\n`);
    this.write('proc/self/mountinfo', '21 1 253:0 / / ro,relatime - erofs /dev/dm-0 ro\n');
    this.write('usr/image.json', JSON.stringify({ version: '1.2.3', built_at: '2026-01-01T00:00:00Z' }));
    mkdirSync(this.at('data'), { recursive: true });
    mkdirSync(this.at('sys'), { recursive: true });
  }

  at(path: string): string {
    return join(this.folder, path);
  }

  write(path: string, content: string | Uint8Array): string {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
    return this.at(path);
  }

  /** What boot loader and initrd say about this boot. */
  boots(
    slot: Slot,
    options: { mode?: string; attempt?: number; extra?: string; espDevice?: string } = {},
  ): void {
    const { mode = 'normal', attempt = 1, extra = '', espDevice = this.espDevice } = options;
    this.write(
      'proc/cmdline',
      `quiet ab.partition=${slot} ab.attempt=${attempt} ab.mode=${mode} bulkhead.verity=${ROOT_HASH}:100:${'0'.repeat(64)} ${extra}\n`,
    );
    // The parser takes only paths under /dev; a link from there leads to our files.
    const report = `disk=/dev/vda\nesp=${devPath(espDevice)}\nesp_state=ok\nroot_a=${devPath(this.at('root-a'))}\nroot_b=${devPath(this.at('root-b'))}\nwatchdog=armed\n`;
    this.write('run/initrd.env', report);
  }

  /** A FAT32 volume with `ab_state` as the boot loader leaves it; no file when `content` is null. */
  async makeEsp(content: BootState | Uint8Array | null): Promise<void> {
    rmSync(this.espDevice, { force: true });
    await command('mkfs.vfat', '-C', '-F', '32', this.espDevice, String(34 * 1024));
    if (content === null) return;
    const file = this.write(
      'ab_state',
      content instanceof Uint8Array ? content : serialiseBootState(content),
    );
    await command('mcopy', '-i', this.espDevice, file, '::ab_state');
  }

  makeSlot(slot: Slot, manifest: SlotManifest | null): string {
    const blob = new Uint8Array(64 * 1024);
    if (manifest !== null) {
      const footer_bytes = 32 * 1024;
      blob.set(buildHeader(footer_bytes), 0);
      const run = { start: 1, count: 1 };
      blob.set(buildFooter(manifest, { kernel: run, initrd: run }), footer_bytes);
    }
    return this.write(`root-${slot.toLowerCase()}`, blob);
  }

  /** A context for one check; whatever it must not touch fails loudly. */
  context(overrides: Partial<CheckContext> = {}): CheckContext {
    return {
      paths: this.paths,
      run: () => Promise.reject(new Error('this check runs no program')),
      fetch: () => Promise.reject(new Error('this check asks nobody')),
      now: () => new Date('2026-06-01T12:00:00Z'),
      initrd: {
        disk: null,
        esp: this.espDevice,
        data: null,
        slots: { A: null, B: null },
        espState: 'ok',
        dataState: 'missing',
        dataMessage: '',
        watchdogArmed: false,
        live: false,
      },
      live: false,
      kernelCommandLine: '',
      bootState: { state: null, condition: 'missing' },
      slot: { slot: 'A', source: 'command-line', contradiction: null },
      agentUrl: 'http://127.0.0.1:9',
      trial: false,
      version: '1.2.3',
      patience_ms: 0,
      steady_ms: 0,
      liveFirewall: null,
      readStatus: () => ({ problem: 'this check reads no status' }),
      askSite: async () => ({ state: 'silent', reason: 'this check asks no site' }),
      loadUpdateKeys: () => {
        throw new Error('this check loads no keys');
      },
      coordinatorUrl: null,
      ...overrides,
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `/dev/../path`: a path under /dev for a file that is elsewhere. */
function devPath(path: string): string {
  return `/dev/..${path}`;
}

export async function command(...words: string[]): Promise<string> {
  const child = Bun.spawn(words, {
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${words.join(' ')}: ${err}`);
  return out;
}

/** A mounted ext4 file system of its own, on a loop device; mounting needs root. */
export async function mountExt4(
  folder: string,
  options: { size_bytes: number; label: string },
): Promise<{ device: string; remount(how: string): Promise<void>; unmount(): Promise<void> }> {
  const image = `${folder}.img`;
  mkdirSync(folder, { recursive: true });
  await command('truncate', '-s', String(options.size_bytes), image);
  // No reserve for root, or a full disk would not be full for the tests, which run as root.
  await command('mkfs.ext4', '-q', '-m', '0', '-L', options.label, image);
  await command('mount', '-o', 'loop', image, folder);
  const device = (await command('findmnt', '-n', '-o', 'SOURCE', '--mountpoint', folder)).trim();
  return {
    device,
    remount: async (how) => void (await command('mount', '-o', `remount,${how}`, folder)),
    unmount: async () => void (await command('umount', folder)),
  };
}

export function manifest(version: string): SlotManifest {
  return {
    format: 1,
    name: 'bulkhead',
    version,
    revision: 'abc',
    built_at: '2026-01-01T00:00:00Z',
    compatible: ['x'],
    data_bytes: 4096,
    blob_bytes: 65536,
    verity: { root_hash: ROOT_HASH, salt: '0'.repeat(64), data_blocks: 1 },
    kernel_sha256: 'b2'.repeat(32),
    initrd_sha256: 'c3'.repeat(32),
  };
}

export function result(name: string, outcome: CheckResult['outcome'], decisive = true): CheckResult {
  return { name, decisive, outcome, message: `${name} says so`, duration_ms: 1 };
}

export function verdictOf(number: number, bootId = BOOT_ID): Verdict {
  return {
    id: `${bootId}-${number}`,
    bootId,
    at: '2026-06-01T12:00:00.000Z',
    slot: 'A',
    version: '1.2.3',
    attempt: 1,
    outcome: 'healthy',
    action: 'commit',
    reason: 'all decisive checks passed',
    checks: [result('memory', 'pass')],
  };
}

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD, readManifest } from '../../test/qemu/fixtures/image.ts';
import { installation, prepareInstallation } from '../../test/qemu/fixtures/installed-disk.ts';
import { createOverlay } from '../../test/qemu/harness/disk.ts';
import type { Machine } from '../../test/qemu/harness/machine.ts';
import type { DiskFile } from '../../test/qemu/harness/options.ts';
import { type BootPhase, bootPhases, TALKATIVE } from './boot-phases.ts';
import {
  APPLIANCE_SETTLED,
  addKernelArguments,
  applianceMemory,
  PEER_SETTLED,
  peerMemory,
} from './contestants.ts';
import { preparePeer } from './debian-peer.ts';
import { IDLE_MS, MEMORY_MB } from './limits.ts';
import { type BootResults, type Side, summarise } from './results.ts';
import { round } from './statistics.ts';
import { type Contestant, firstBoot, machineOf, type TimedBoot, timedBoot } from './timed-boot.ts';

/**
 * Boots both sides in turn, so that whatever else the computer does hits both alike. One machine at a time.
 *
 * @param runs at least 1
 * @param queue wait for a place among other virtual machines
 */
export async function measureBoots(
  runs: number,
  queue: boolean,
  say: (text: string) => void,
): Promise<BootResults> {
  const peer = await preparePeer(say);
  say('preparing the installed disk');
  await prepareInstallation();
  const ours = new Runner(
    { name: 'bulkhead', disk: installation().disk, settled: APPLIANCE_SETTLED },
    applianceMemory,
    { runs, queue, say },
  );
  const theirs = new Runner({ name: 'debian', disk: peer.disk, settled: PEER_SETTLED }, peerMemory, {
    ...{ runs, queue, say },
  });
  await ours.prepare();
  await theirs.prepare();
  for (let run = 1; run <= runs; run++) {
    await ours.boot(run);
    await theirs.boot(run);
  }
  say('one more boot that says when its phases end');
  const phases = await measurePhases(ours.disk, queue);
  const bulkhead = { ...ours.result(), phases };
  const debian = { ...theirs.result(), packages: peer.packages, kernel: peer.kernel };
  const { version, revision } = readManifest();
  const ratio = (field: 'page_median_s' | 'page_processor_median_s') =>
    round(bulkhead[field] / debian[field], 2);
  return {
    image: { version, revision },
    memory_mb: MEMORY_MB,
    bulkhead,
    debian,
    page_ratio: ratio('page_median_s'),
    page_processor_ratio: ratio('page_processor_median_s'),
  };
}

interface RunnerOptions {
  runs: number;
  queue: boolean;
  say: (text: string) => void;
}

/** The boots of one side. */
class Runner<Memory> {
  private first: { disk: DiskFile; boot: TimedBoot } | undefined;
  private readonly boots: TimedBoot[] = [];
  private memory: Memory | undefined;

  constructor(
    private readonly contestant: Contestant,
    private readonly look: (machine: Machine) => Promise<Memory>,
    private readonly options: RunnerOptions,
  ) {}

  /** The disk after its first boot. */
  get disk(): DiskFile {
    if (!this.first) throw new Error('prepare() comes first');
    return this.first.disk;
  }

  async prepare(): Promise<void> {
    this.first = await firstBoot(this.contestant, this.options.queue);
    this.tell('first boot', this.first.boot);
  }

  /** The last run stays on for a while, and then says how much memory it uses. */
  async boot(run: number): Promise<void> {
    const { name, settled } = this.contestant;
    const { runs, queue } = this.options;
    const { boot } = await timedBoot(machineOf(name, this.disk, queue), settled, async (machine) => {
      if (run !== runs) return;
      await Bun.sleep(IDLE_MS);
      this.memory = await this.look(machine);
    });
    this.boots.push(boot);
    this.tell(`boot ${run} of ${runs}`, boot);
  }

  result(): Side & { memory: Memory } {
    if (!this.first || !this.memory) throw new Error('boot() comes first');
    return { ...summarise(this.first.boot, this.boots), memory: this.memory };
  }

  private tell(what: string, { page_s, page_processor_s, settled_s, load_before }: TimedBoot): void {
    const times = `page ${page_s} s (processor ${page_processor_s} s), settled ${settled_s} s, load before ${load_before}`;
    this.options.say(`${this.contestant.name}, ${what}: ${times}`);
  }
}

/** One more boot with a console that talks: apart from the others, because talking costs time. */
async function measurePhases(settled: DiskFile, queue: boolean): Promise<BootPhase[]> {
  const path = join(BUILD, 'bench/disks/talkative.qcow2');
  rmSync(path, { force: true });
  const disk = await createOverlay(path, settled);
  await addKernelArguments(disk, TALKATIVE);
  const options = { ...machineOf('talkative', disk, queue), keepLogs: true };
  const { seen } = await timedBoot(options, APPLIANCE_SETTLED, async (machine) => machine.logFolder);
  const log = readFileSync(join(seen, 'serial.log'), 'utf8');
  rmSync(seen, { recursive: true });
  return bootPhases(log);
}

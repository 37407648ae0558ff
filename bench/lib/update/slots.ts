import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../base/run.ts';
import type { BuildOptions } from '../../../iso/build/build-options.ts';
import { readPackageLock } from '../../../iso/build/package-lock.ts';
import { prepareRoots } from '../../../iso/build/roots.ts';
import { buildSlotImage } from '../../../iso/build/slot-image.ts';
import { toolRunner } from '../../../iso/build/tool-root.ts';
import type { SlotManifest } from '../../../partitions/slot-blob.ts';
import { BUILD, SOURCE } from '../../../test/qemu/fixtures/image.ts';
import { countNewBlocks } from './rauc-adaptive.ts';
import { baseTree, copyTree, filesOf, VARIANTS, type Variant } from './trees.ts';

/** A slot image of one tree. */
export interface BenchSlot {
  file: string;
  tree: string;
  manifest: SlotManifest;
}

export interface VariantSlot extends BenchSlot {
  variant: Pick<Variant, 'id' | 'title' | 'change'>;
  /** Relative to the trees. */
  changed_files: string[];
  changed_bytes: number;
  /** Of the data area, different from all of the base's. */
  new_blocks: number;
}

export interface BenchSlots {
  base: BenchSlot;
  variants: VariantSlot[];
}

/** The slots of the run before, where it came to its end. */
export function earlierSlots(work: string): BenchSlots | undefined {
  const file = join(work, SLOTS_FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as BenchSlots) : undefined;
}

const SLOTS_FILE = 'slots.json';

/** Makes the base and its variants from the root tree that was built last. @throws BulkheadError BENCH_VARIANT_STALE */
export async function makeSlots(work: string, say: (text: string) => void): Promise<BenchSlots> {
  rmSync(join(work, SLOTS_FILE), { force: true });
  mkdirSync(join(work, 'trees'), { recursive: true });
  process.umask(0o022);
  const make = await slotMaker(work, say);
  say('base: program of this checkout in the tree that was built last');
  const baseFolder = join(work, 'trees/base');
  await copyTree(join(BUILD, 'work/tree'), baseFolder);
  await baseTree(baseFolder, work);
  const base = await make(baseFolder, join(work, 'base.slot'), '1.0.0');
  const variants: VariantSlot[] = [];
  for (const variant of VARIANTS) {
    say(`variant ${variant.id}: ${variant.change}`);
    const tree = join(work, 'trees', variant.id);
    await copyTree(baseFolder, tree);
    await variant.apply(tree, work);
    const slot = await make(tree, join(work, `${variant.id}.slot`), '1.0.1');
    const { id, title, change } = variant;
    variants.push({
      ...slot,
      variant: { id, title, change },
      ...compareTrees(baseFolder, tree),
      ...newBlocks(base, slot),
    });
  }
  rmSync(join(work, 'source'), { recursive: true, force: true });
  writeFileSync(join(work, SLOTS_FILE), JSON.stringify({ base, variants }));
  return { base, variants };
}

async function slotMaker(work: string, say: (text: string) => void) {
  const options: BuildOptions = {
    ...{ source: SOURCE, build: BUILD, dist: work, firmware: true, keysetFile: '', run },
    progress: (step, detail) => say(`${step}: ${detail}`),
  };
  const lock = readPackageLock();
  const roots = await prepareRoots(options, lock);
  const tools = toolRunner(run, roots.tools, work, lock.epoch_s);
  return async (tree: string, file: string, version: string): Promise<BenchSlot> => {
    const manifest = await buildSlotImage(tools, {
      ...{ tree, output: `${file}.unfinished`, epoch_s: lock.epoch_s, version, revision: 'bench' },
      ...{ builtAt: new Date(lock.epoch_s * 1000).toISOString(), compatible: ['qemu'] },
    });
    renameSync(`${file}.unfinished`, file);
    return { file, tree, manifest };
  };
}

function compareTrees(base: string, tree: string): { changed_files: string[]; changed_bytes: number } {
  const changed = filesOf(tree).filter((file) => {
    const bytes = readFileSync(join(tree, file));
    return !bytes.equals(readFileSync(join(base, file)));
  });
  const changed_bytes = changed.reduce((sum, file) => sum + readFileSync(join(tree, file)).length, 0);
  return { changed_files: changed, changed_bytes };
}

function newBlocks(base: BenchSlot, slot: BenchSlot): { new_blocks: number } {
  const data = ({ file, manifest }: BenchSlot) => ({ file, end_bytes: manifest.data_bytes });
  return { new_blocks: countNewBlocks(data(base), data(slot)) };
}

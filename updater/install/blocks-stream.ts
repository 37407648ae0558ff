import { openBaseSlot } from '../blocks/base-slot.ts';
import { type BlockOrigin, blockStream, fetchBytesOfGroup } from '../blocks/block-stream.ts';
import { PackedFile } from '../blocks/packed-file.ts';
import { type BlockPlan, planBlocks } from '../blocks/plan-blocks.ts';
import { sumRuns } from '../blocks/runs.ts';
import { walkTree } from '../blocks/walk-tree.ts';
import type { BundleFile } from '../bundle/open-bundle.ts';
import { PIECE_TARGET_BYTES } from '../limits.ts';
import { type ByteSource, readRange } from '../source.ts';
import { pieceReader } from './piece-stream.ts';
import type { BaseSlotPlace, PricedStream } from './priced-stream.ts';
import { piecesOf, readTail } from './streams.ts';

/**
 * The blocks that the running slot does not hold, out of the file of blocks beside the bundle, or where there is none
 * out of the pieces of the bundle itself. Undefined for a bundle without a tree.
 *
 * @throws BulkheadError BLOCKS_TREE_MISMATCH; what the sources throw
 */
export async function blocksStream(
  bundle: BundleFile,
  blocksFile: ByteSource | undefined,
  place: BaseSlotPlace,
): Promise<PricedStream | undefined> {
  const { manifest, source, sections } = bundle;
  const tree = sections.get('tree');
  if (!tree) return undefined;
  const base = await openBaseSlot(place.device, place.data_bytes);
  try {
    const target = await walkTree(
      manifest.slot,
      (start_bytes, end_bytes) =>
        readRange(source, tree.start_bytes + start_bytes, tree.start_bytes + end_bytes),
      base,
    );
    const plan = await planBlocks(target, base);
    const supply = (blocksFile && (await fromFile(blocksFile, plan))) ?? (await fromPieces(bundle, plan));
    if (!supply) {
      await base.close();
      return undefined;
    }
    const { from, fetch_bytes } = supply;
    return {
      method: 'blocks',
      bundle: bundle.digest,
      manifest,
      fetch_bytes,
      async *parts(from_piece, keptUpToHere) {
        let group = from_piece;
        for await (const bytes of blockStream(plan, { base, from, from_group: from_piece })) {
          const cost = {
            fetched_bytes: fetchBytesOfGroup(plan, group),
            next_bytes: fetchBytesOfGroup(plan, group + 1),
          };
          group += 1;
          yield { bytes, piece: { done: group, ...cost } };
          await keptUpToHere?.();
        }
        yield { bytes: await readTail(bundle) };
      },
      close: () => base.close(),
    };
  } catch (error) {
    await base.close();
    throw error;
  }
}

interface PricedOrigin {
  from: BlockOrigin;
  fetch_bytes: number;
}

/** Undefined where the file is none of packed blocks. @throws BulkheadError BLOCKS_FILE_INVALID; what the source throws */
async function fromFile(source: ByteSource, plan: BlockPlan): Promise<PricedOrigin | undefined> {
  const blocks = await PackedFile.open(source, plan.tree.data_blocks);
  if (!blocks) return undefined;
  return { from: { blocks }, fetch_bytes: sumRuns(await blocks.runsOf(plan.fetch_numbers)) };
}

/** Undefined where the pieces of the bundle are of another length than ours: nobody knows which holds a block. */
async function fromPieces(bundle: BundleFile, plan: BlockPlan): Promise<PricedOrigin | undefined> {
  const pieces = await piecesOf(bundle, bundle.manifest.slot.data_bytes);
  if (pieces.slice(0, -1).some(({ target_bytes }) => target_bytes !== PIECE_TARGET_BYTES)) return undefined;
  const { start_bytes } = bundle.section('payload');
  const readPiece = pieceReader(bundle.source, start_bytes, pieces);
  const fetch_bytes = plan.fetch_pieces.reduce(
    (sum, number) => sum + (pieces[number]?.payload_bytes ?? 0),
    0,
  );
  return { from: { readPiece }, fetch_bytes };
}

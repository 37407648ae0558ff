import type { TargetStream } from './transfer.ts';

/** A way to the bytes of a slot together with what fetching it costs. */
export interface PricedStream extends TargetStream {
  /** Beside the head of the bundle and the tree, which are fetched to know this. */
  fetch_bytes: number;
  /**
   * Reads everything that has a digest before anything is changed: where that costs no more than reading a file twice.
   *
   * @throws BulkheadError UPDATE_PIECE_DAMAGED, BUNDLE_SECTION_DAMAGED, UPDATE_TAIL_MISMATCH, UPDATE_STOPPED
   */
  check?(signal: AbortSignal | undefined): Promise<void>;
  close(): Promise<void>;
}

/** Where the running slot lies, for what is copied from it. */
export interface BaseSlotPlace {
  device: string;
  data_bytes: number;
  blob_bytes: number;
}

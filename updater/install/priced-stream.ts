import type { TargetStream } from './transfer.ts';

/** A way to the bytes of a slot together with what fetching it costs. */
export interface PricedStream extends TargetStream {
  /** Beside the head of the bundle and the tree, which are fetched to know this. */
  fetch_bytes: number;
  close(): Promise<void>;
}

/** Where the running slot lies, for what is copied from it. */
export interface BaseSlotPlace {
  device: string;
  data_bytes: number;
  blob_bytes: number;
}

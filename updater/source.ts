/**
 * Where a bundle comes from: a file or a server, read by ranges. Whoever reads does not see mirrors, broken
 * connections or the bandwidth limit; a source either yields exactly the bytes asked for or throws.
 */
export interface ByteSource {
  /** For messages: a path or a URL without credentials. */
  readonly name: string;
  /** Length of the whole thing. */
  size_bytes(): Promise<number>;
  /**
   * The bytes from `start_bytes` up to, not including, `end_bytes`, in order, in parts of any length.
   * Ends after exactly that many. Leaving the loop early ends the transfer. A part belongs to the reader, who may empty it
   * once the next one has come.
   */
  read(start_bytes: number, end_bytes: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** A short range as one array. Only for what is bounded by a limit of its own. */
export async function readRange(
  source: ByteSource,
  start_bytes: number,
  end_bytes: number,
): Promise<Uint8Array> {
  const range = new Uint8Array(end_bytes - start_bytes);
  let filled_bytes = 0;
  for await (const part of source.read(start_bytes, end_bytes)) {
    range.set(part, filled_bytes);
    filled_bytes += part.length;
  }
  return range;
}

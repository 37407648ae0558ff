/**
 * Frees the memory of bytes that nobody will look at again, now instead of at some garbage collection: a slot goes through
 * memory in pieces of a megabyte, and the engine lets dozens of them lie before it collects. Whoever still holds the array finds
 * it empty. What is only a part of a larger buffer stays.
 */
export function freeSpent(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) buffer.transfer(0);
}

import { AV } from './flags.ts';

/** One attribute of the target information. */
export interface Attribute {
  id: number;
  value: Buffer;
}

/** The attributes up to the end mark; undefined when they do not add up (MS-NLMP 2.2.2.1). */
export function readAttributes(bytes: Buffer): Attribute[] | undefined {
  const attributes: Attribute[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const id = bytes.readUInt16LE(at);
    const size_bytes = bytes.readUInt16LE(at + 2);
    at += 4;
    if (id === AV.END) return attributes;
    if (at + size_bytes > bytes.length) return undefined;
    attributes.push({ id, value: bytes.subarray(at, at + size_bytes) });
    at += size_bytes;
  }
  return undefined;
}

export function writeAttributes(attributes: readonly Attribute[]): Buffer {
  const parts = attributes.flatMap(({ id, value }) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(id, 0);
    head.writeUInt16LE(value.length, 2);
    return [head, value];
  });
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

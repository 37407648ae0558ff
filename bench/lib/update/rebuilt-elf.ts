/**
 * What a rebuilt library looks like, without its build: one function has grown, what follows it has moved, and every reference
 * that crosses the growth points elsewhere. Deterministic, so that every run of the bench has the same bytes.
 *
 * `shift` bytes are put in at a third of `.text`; the end of `.text` gives them up, as if the last function had shrunk. Then
 * are moved: relative calls, jumps and RIP-relative operands in `.text`, the table of `.eh_frame_hdr`, and every aligned word of
 * the other sections that holds an address in the moved part. The build id changes. Nobody runs the result.
 * Source of the format: System V ABI, chapter 4, and elf(5).
 */

interface Section {
  name: string;
  address: number;
  offset: number;
  size: number;
  type: number;
}

const SECTION_NO_BITS = 8;
const SECTION_ENTRY_BYTES = 64;
const ADDRESS_BYTES = 8;
const EH_FRAME_HEADER_BYTES = 12;
/** Opcodes with a ModRM byte that compilers use with RIP-relative operands most: mov, lea, cmp, and the 0x80 group. */
const OPERAND_OPCODES = new Set([0x8b, 0x89, 0x8d, 0x39, 0x3b, 0x80, 0x83, 0xc7, 0x63]);

/** @param seed where the build id comes from; also the size of the shift, 16 to 256 bytes */
export function rebuildElf(original: Uint8Array, seed: number): Uint8Array {
  const file = Buffer.from(Uint8Array.from(original).buffer);
  const sections = readSections(file);
  const text = sections.find(({ name }) => name === '.text');
  const shift = 16 * (1 + (seed % 16));
  if (!text || text.size < 64 * shift) return withNewBuildId(file, sections, seed);
  const from = text.address + Math.floor(text.size / 3 / 16) * 16;
  const end = text.address + text.size - shift;
  const moved = (address: number) => (address >= from && address < end ? address + shift : address);
  moveCode(file, text, { from, shift, moved });
  for (const section of sections) {
    if (section === text || section.type === SECTION_NO_BITS || section.address === 0) continue;
    if (section.name === '.eh_frame_hdr') moveTable(file, section, moved);
    else movePointers(file, section, moved);
  }
  return withNewBuildId(file, sections, seed);
}

function readSections(file: Buffer): Section[] {
  const isElf64 = file.length >= 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2;
  if (!isElf64) return [];
  const table = Number(file.readBigUInt64LE(40));
  const count = file.readUInt16LE(60);
  const nameSection = table + file.readUInt16LE(62) * SECTION_ENTRY_BYTES;
  const names = Number(file.readBigUInt64LE(nameSection + 24));
  return Array.from({ length: count }, (_, number) => {
    const at = table + number * SECTION_ENTRY_BYTES;
    const name = names + file.readUInt32LE(at);
    return {
      name: file.toString('latin1', name, file.indexOf(0, name)),
      type: file.readUInt32LE(at + 4),
      address: Number(file.readBigUInt64LE(at + 16)),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
}

interface Move {
  /** First address that moves. */
  from: number;
  shift: number;
  moved: (address: number) => number;
}

function moveCode(file: Buffer, text: Section, { from, shift, moved }: Move): void {
  const start = text.offset;
  const end = start + text.size;
  for (let at = start + 2; at + 4 <= end; at += 1) {
    const opcode = file[at - 1] ?? 0;
    const branch = opcode === 0xe8 || opcode === 0xe9;
    const operand = (opcode & 0xc7) === 0x05 && OPERAND_OPCODES.has(file[at - 2] ?? 0);
    if (!branch && !operand) continue;
    const next = text.address + (at - start) + 4;
    const target = next + file.readInt32LE(at);
    if (target < 0 || target > text.address + file.length) continue;
    const changed = moved(target) - moved(next) - (target - next);
    if (changed !== 0) file.writeInt32LE(file.readInt32LE(at) + changed, at);
    at += 3;
  }
  const gap = start + (from - text.address);
  file.copyWithin(gap + shift, gap, end - shift);
  for (let at = gap; at < gap + shift; at += 1) file[at] = (at * 37 + shift) & 0xff;
}

function movePointers(file: Buffer, section: Section, moved: (address: number) => number): void {
  for (let at = section.offset; at + ADDRESS_BYTES <= section.offset + section.size; at += ADDRESS_BYTES) {
    if (file.readUInt32LE(at + 4) !== 0) continue;
    const address = file.readUInt32LE(at);
    if (moved(address) !== address) file.writeUInt32LE(moved(address), at);
  }
}

/** Pairs of 32 bits, both relative to the section; the first is where a function begins. */
function moveTable(file: Buffer, section: Section, moved: (address: number) => number): void {
  const end = section.offset + section.size;
  for (let at = section.offset + EH_FRAME_HEADER_BYTES; at + 8 <= end; at += 8) {
    const address = section.address + file.readInt32LE(at);
    file.writeInt32LE(moved(address) - section.address, at);
  }
}

function withNewBuildId(file: Buffer, sections: readonly Section[], seed: number): Uint8Array {
  const note = sections.find(({ name }) => name === '.note.gnu.build-id');
  if (note) {
    const id = new Bun.CryptoHasher('sha1').update(`rebuilt ${seed}`).digest();
    file.set(id.subarray(0, 20), note.offset + note.size - 20);
  }
  return new Uint8Array(file.buffer, file.byteOffset, file.length);
}

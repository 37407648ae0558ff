import { BulkheadError } from '../base/errors.ts';

/**
 * GRUB's environment block: a fixed-size text that GRUB reads (`load_env`) and overwrites in place (`save_env`).
 * Format as read by grub-core/commands/loadenv.c and lib/envblk.c of GRUB 2.06 and 2.12: the signature line,
 * `name=value` lines with backslash escapes, then `#` up to the end. GRUB takes any size that holds the signature.
 */
const SIGNATURE = '# GRUB Environment Block\n';

/**
 * @param size_bytes exact size of the block; 512 makes every save one sector
 * @throws BulkheadError ENV_BLOCK_INVALID for a name or value the format cannot hold, ENV_BLOCK_FULL when it does not fit
 */
export function serialiseEnvBlock(values: Readonly<Record<string, string>>, size_bytes: number): Uint8Array {
  let text = SIGNATURE;
  for (const [name, value] of Object.entries(values)) {
    if (!/^[a-z][a-z0-9_]*$/.test(name) || !/^[\x20-\x7e]*$/.test(value) || /[\\"'$`;]/.test(value)) {
      throw new BulkheadError(
        'ENV_BLOCK_INVALID',
        `'${name}=${value}' cannot stand in a GRUB environment block`,
      );
    }
    text += `${name}=${value}\n`;
  }
  if (text.length > size_bytes) {
    throw new BulkheadError(
      'ENV_BLOCK_FULL',
      `the environment block needs ${text.length} bytes, ${size_bytes} are there`,
    );
  }
  return new TextEncoder().encode(text.padEnd(size_bytes, '#'));
}

/**
 * The values of a block, or undefined when the bytes are not one. Follows GRUB's own reader (grub_envblk_iterate)
 * byte by byte, oddities included: what Linux reads in a damaged block has to be what GRUB reads in it. So a name
 * goes up to the next `=` even over the end of a line, a value ends at a line feed that no backslash precedes, a
 * value that runs into the end of the block is none, and a zero byte ends the text it stands in.
 */
export function parseEnvBlock(block: Uint8Array): Record<string, string> | undefined {
  const text = new TextDecoder('latin1').decode(block);
  if (!text.startsWith(SIGNATURE)) return undefined;
  const values = new Map<string, string>();
  let at = SIGNATURE.length;
  while (at < text.length) {
    if (text[at] !== '#') {
      const equals = text.indexOf('=', at);
      if (equals < 0) break;
      const end = lineEnd(text, equals + 1);
      if (end >= text.length) break;
      const value = text.slice(equals + 1, end).replace(/\\([\s\S])/g, '$1');
      values.set(cString(text.slice(at, equals)), cString(value));
      at = end;
    }
    at = lineEnd(text, at) + 1;
  }
  return Object.fromEntries(values);
}

/** Where the line ends: at a line feed that no backslash precedes, in a comment too. */
function lineEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function cString(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

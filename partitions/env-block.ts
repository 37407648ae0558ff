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

/** The values of a block, or undefined when the bytes are not one. Lines that make no sense are left out. */
export function parseEnvBlock(block: Uint8Array): Record<string, string> | undefined {
  const text = new TextDecoder('latin1').decode(block);
  if (!text.startsWith(SIGNATURE)) return undefined;
  const values: Record<string, string> = {};
  for (const line of text.slice(SIGNATURE.length).split('\n')) {
    if (line.startsWith('#')) continue;
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=([\x20-\x7e]*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values[match[1]] = match[2];
  }
  return values;
}

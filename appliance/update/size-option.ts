import { BulkheadError } from '../../base/errors.ts';

const FACTORS = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;

/**
 * `20M`, `500K`, `4096`: binary units, as curl and dd take them.
 *
 * @throws BulkheadError UPDATE_SIZE_INVALID
 */
export function parseSize(text: string, option: string): number {
  const [, number, unit] = /^(\d{1,9})([KMG]?)$/.exec(text.toUpperCase()) ?? [];
  const size_bytes = Number(number) * FACTORS[(unit ?? '') as keyof typeof FACTORS];
  if (number === undefined || size_bytes < 1) {
    throw new BulkheadError('UPDATE_SIZE_INVALID', `'${text}' is no size for ${option}`, {
      hint: 'write a whole number from 1, with K, M or G behind it if it helps: 20M',
    });
  }
  return size_bytes;
}

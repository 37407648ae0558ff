import { BulkheadError } from '../../../../base/errors.ts';

/**
 * One word for a POSIX shell (IEEE 1003.1, 2.2.2): within single quotes nothing means anything but the quote itself.
 *
 * @throws BulkheadError TARGET_VALUE_UNSAFE for control characters, which no value here has
 */
export function shellQuote(value: string): string {
  if (/\p{C}/u.test(value))
    throw new BulkheadError(
      'TARGET_VALUE_UNSAFE',
      'a value holds a control character, and goes into no script',
    );
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

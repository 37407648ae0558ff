import { BulkheadError } from '../../../../base/errors.ts';
import { ANSWER_LINES_MAX } from '../limits.ts';

/** What a check's script prints: lines of `name=value` between two marks. */
export const ANSWER_BEGIN = 'bulkhead-answer-begin';
export const ANSWER_END = 'bulkhead-answer-end';
const LINE = /^([a-z][a-z0-9_]*)=([\x20-\x7e]{0,200})$/;

/** The answer to a check. */
export interface Answer {
  /** Every value of that name, in order. */
  all(name: string): string[];
  /** @throws BulkheadError TARGET_ANSWER_INVALID unless there is exactly one, of this form */
  one(name: string, form: RegExp): string;
  /** A whole number. */
  number(name: string): number;
}

/**
 * Reads an answer strictly: whoever printed anything else between the marks is not our script.
 *
 * @throws BulkheadError TARGET_ANSWER_INVALID
 */
export function readAnswer(text: string, check: string): Answer {
  const refuse = (why: string) =>
    new BulkheadError('TARGET_ANSWER_INVALID', `the answer to '${check}' ${why}`);
  const lines = text.split('\n');
  // What stands before the mark is what a log-in shell's own files print.
  const begin = lines.indexOf(ANSWER_BEGIN);
  const end = lines.indexOf(ANSWER_END, begin);
  if (begin < 0 || end < 0) throw refuse('is cut off');
  if (lines.slice(end + 1).some((line) => line !== '')) throw refuse('goes on behind its end');
  if (end - begin > ANSWER_LINES_MAX) throw refuse(`has more than ${ANSWER_LINES_MAX} lines`);
  const values = lines.slice(begin + 1, end).map((line): [string, string] => {
    const [, name, value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) throw refuse('has a line that is no name=value');
    return [name, value];
  });
  const all = (name: string) => values.filter(([key]) => key === name).map(([, value]) => value);
  const one = (name: string, form: RegExp) => {
    const [value, more] = all(name);
    if (value === undefined || more !== undefined || !form.test(value))
      throw refuse(`does not say '${name}' as it should`);
    return value;
  };
  return { all, one, number: (name) => Number(one(name, /^\d{1,15}$/)) };
}

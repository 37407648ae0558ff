import { BulkheadError } from '../../base/errors.ts';

/** What was filled in is refused, and which fields are to be looked at. Code and words are those of the problem. */
export class FormRefused extends BulkheadError {
  /** What is wrong, by name of the field. */
  readonly faults: ReadonlyMap<string, string>;

  constructor({ code, message, hint, cause }: BulkheadError, faults: ReadonlyMap<string, string>) {
    super(code, message, { ...(hint === undefined ? {} : { hint }), cause });
    this.faults = faults;
  }
}

/** What is wrong with a field; undefined: nothing is known to be. */
export function faultOf({ problem }: { problem: BulkheadError | null }, field: string): string | undefined {
  return problem instanceof FormRefused ? problem.faults.get(field) : undefined;
}

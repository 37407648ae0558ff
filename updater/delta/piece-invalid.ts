import { BulkheadError } from '../../base/errors.ts';

/** @param why what does not fit, in a few words */
export function pieceInvalid(why: string): BulkheadError {
  return new BulkheadError('DELTA_PIECE_INVALID', `a piece of the delta is invalid: ${why}`, {
    hint: 'build the delta again, or install the full bundle',
  });
}

import { type Check, passed } from '../check.ts';
import { CHECK_TIMEOUT_MS } from '../limits.ts';

/**
 * The next release can be judged: the image has keys to hold it to. An image without them would be committed and could
 * never be updated again. They lie below dm-verity, so what passes once passes on every boot of that image; what is on
 * the data partition is not asked, for no reboot mends it.
 */
export const updatePossible: Check = {
  name: 'update-possible',
  decisive: true,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  find: async (context) => passed(context.loadUpdateKeys()),
};

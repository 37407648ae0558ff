import { readFile } from 'node:fs/promises';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { type Check, failed, passed } from '../check.ts';
import { CHECK_TIMEOUT_MS } from '../limits.ts';

const ImageInfo = t.Object({ built_at: t.String() });

/**
 * The clock is not before the day this image was built: with a dead battery certificates look not yet valid and
 * records carry dates that never were. Whether the time is exact is observed by `time-synchronised`.
 */
export const clock: Check = {
  name: 'clock',
  decisive: true,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    const { imageInfoFile } = context.paths;
    const info: unknown = JSON.parse(await readFile(imageInfoFile, 'utf8'));
    const builtAt = Value.Check(ImageInfo, info) ? new Date(info.built_at) : new Date(Number.NaN);
    if (Number.isNaN(builtAt.getTime())) return failed(`${imageInfoFile} has no valid built_at`);
    const now = context.now();
    return now < builtAt
      ? failed(`the clock says ${now.toISOString()}, the image was built at ${builtAt.toISOString()}`)
      : passed(`the clock says ${now.toISOString()}`);
  },
};

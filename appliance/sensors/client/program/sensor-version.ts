import { VERSION } from '../../../../base/version.ts';

/** Another version than that of package.json, which a build may put in to prove an update. */
declare const BULKHEAD_SENSOR_VERSION: string | undefined;

export const SENSOR_VERSION: string =
  typeof BULKHEAD_SENSOR_VERSION === 'string' ? BULKHEAD_SENSOR_VERSION : VERSION;

import { version } from '../package.json';

/** The version of this program. Its only home is package.json. */
export const VERSION: string = version;

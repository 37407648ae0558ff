import { readJson } from './fact-files.ts';

/** What the image says about itself. */
export interface ImageInfo {
  version: string | null;
  revision: string | null;
  /** RFC 3339. */
  builtAt: string | null;
}

/** Reads IMAGE_INFO_FILE; all null on a workstation, where there is no image. */
export function readImageInfo(path: string): ImageInfo {
  const parsed = readJson(path);
  const text = (name: string): string | null => {
    const value =
      typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>)[name] : null;
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return { version: text('version'), revision: text('revision'), builtAt: text('built_at') };
}

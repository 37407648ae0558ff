import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { signEnvelope } from '../../base/signing/dsse.ts';
import { generateKeyFile, readSigner } from './key-file.ts';
import { createKeyset, unsignedKeyset } from './keyset-edit.ts';
import { serialiseKeysetFile } from './keyset-file.ts';

/** Keys of one build tree, for images and releases that never leave the people who build them. */
export interface DevelopmentKeys {
  rootKeyFile: string;
  releaseKeyFile: string;
  keysetFile: string;
}

/**
 * The development keys in a folder, made on the first call. A set that is there is left alone, so images that were built
 * before take releases that are built now.
 */
export function developmentKeys(folder: string, now_ms: number): DevelopmentKeys {
  const keys = {
    rootKeyFile: join(folder, 'root.pem'),
    releaseKeyFile: join(folder, 'release.pem'),
    keysetFile: join(folder, 'keyset.json'),
  };
  if (existsSync(keys.keysetFile)) return keys;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Keys of a run that was interrupted before the set was written are taken, not written over.
  const keyOf = (path: string) => (existsSync(path) ? readSigner(path) : generateKeyFile(path));
  const root = keyOf(keys.rootKeyFile);
  const release = keyOf(keys.releaseKeyFile);
  const set = createKeyset(
    [
      { public_key: root.public_key, roles: ['root'], note: 'development' },
      { public_key: release.public_key, roles: ['release'], note: 'development' },
    ],
    1,
    now_ms,
  );
  writeFileAtomic(keys.keysetFile, serialiseKeysetFile([signEnvelope(unsignedKeyset(set), root)]));
  return keys;
}

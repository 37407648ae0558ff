import { dirname } from 'node:path';
import { watchFolder } from '../agent/watch-folder.ts';
import { hashProgram } from './build-hash.ts';
import { createCollector, type FingerprintOrigin } from './collect.ts';
import { createFingerprintSource, type RunningSource } from './source.ts';
import { releaseMemory } from './told-release.ts';

export interface FingerprintOptions extends Omit<FingerprintOrigin, 'build_hash'> {
  /** File in the agent's own folder that remembers which release was told last; null where there is no such folder. */
  memoryFile: string | null;
}

/** The fingerprint of this machine, watched: looks when a file of facts or of the configuration is written, and now and then. */
export function startFingerprint({ memoryFile, ...origin }: FingerprintOptions): RunningSource {
  const source = createFingerprintSource({
    collector: hashProgram().then((build_hash) => createCollector({ ...origin, build_hash })),
    memory: releaseMemory(memoryFile),
    now_ms: () => performance.now(),
    warn: origin.warn,
  });
  const { setupFactsFile, machineFactsFile, firewallFactsFile } = origin.paths;
  const files = [setupFactsFile, machineFactsFile, firewallFactsFile, ...origin.configFiles];
  const watches = [...new Set(files.map((file) => dirname(file)))].map((folder) =>
    watchFolder(folder, source.poke),
  );
  return {
    ...source,
    stop: () => {
      for (const unwatch of watches) unwatch();
      source.stop();
    },
  };
}

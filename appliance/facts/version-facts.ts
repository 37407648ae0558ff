import { VERSION } from '../../base/version.ts';
import { readMachineFacts } from '../../health-gate/machine-facts.ts';
import type { Slot } from '../../partitions/slot.ts';
import { describeBoot, readOwnBootView } from './boot.ts';
import type { FactPaths } from './fact-context.ts';
import { readLine } from './fact-files.ts';
import { readImageInfo } from './image-info.ts';

/** What `bulkhead version` prints; null where there is no image, no slot, or nobody says. */
export interface VersionFacts {
  program: string;
  image: { version: string | null; revision: string | null; builtAt: string | null };
  slot: Slot | null;
  kernel: string | null;
}

/** Read from the machine itself and not asked of the agent, so that it also answers when the agent does not. */
export function readVersionFacts(paths: FactPaths): VersionFacts {
  return {
    program: VERSION,
    image: readImageInfo(paths.imageInfoFile),
    slot: describeBoot(readOwnBootView(paths), readMachineFacts(paths.machineFactsFile)).slot,
    kernel: readLine(`${paths.proc}/sys/kernel/osrelease`),
  };
}

/** One fact a line; what is not there is left out. */
export function formatVersionFacts({ program, image, slot, kernel }: VersionFacts): string {
  const lines = [`bulkhead ${program}`];
  if (image.version === null) lines.push('image    none');
  else
    lines.push(
      `image    ${[image.version, image.revision, image.builtAt].filter((part) => part !== null).join(', ')}`,
    );
  if (slot !== null) lines.push(`slot     ${slot}`);
  if (kernel !== null) lines.push(`kernel   ${kernel}`);
  return lines.join('\n');
}

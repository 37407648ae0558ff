import { readFileSync } from 'node:fs';
import { digestOf, sourceDigest } from '../iso/build/source-facts.ts';

/** Every file and folder that an image is made from. A test holds the list to what the builder and the program import. */
export const IMAGE_SOURCES = [
  'appliance',
  'base',
  'health-gate',
  'iso',
  'partitions',
  'protocol',
  'status-page',
  'updater',
  'scripts/build.ts',
  'scripts/image-stamp.ts',
  'scripts/release-keys.ts',
  'scripts/sensor',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];

export interface StampInputs {
  /** Top of the checkout. */
  source: string;
  firmware: boolean;
  keysetFile: string;
  /** What the image says of its origin; a commit that touches nothing else still changes it. */
  revision: { id: string; time: string };
  environment: Readonly<Record<string, string | undefined>>;
}

/** A text that two images of one version share exactly when they would be the same bytes. */
export function imageStamp({ source, firmware, keysetFile, revision, environment }: StampInputs): string {
  const facts = {
    sources: sourceDigest(source, IMAGE_SOURCES),
    firmware: String(firmware),
    keyset: digestOf(readFileSync(keysetFile, 'utf8')),
    revision: `${revision.id}@${revision.time}`,
    fast: String(environment['BULKHEAD_FAST_ISO'] === '1'),
  };
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

import { BulkheadError } from '../../base/errors.ts';
import type { PackageFiles } from './package-files.ts';
import { installCopyrights, shippedPackages, unlistedPrograms } from './shipped.ts';
import { billOfMaterials, type Revision } from './source-facts.ts';

/** Programs in the tree that are made here. */
const OWN_PROGRAMS = ['usr/bin/bulkhead'];

export interface DescribeOptions {
  packages: readonly PackageFiles[];
  /** Regular files of the initrd. */
  initrd: readonly string[];
  /** Unpacked trees by the name of their set. */
  roots: Readonly<Record<'tools' | 'image' | 'kernel' | 'firmware', string>>;
  source: string;
  version: string;
  revision: Revision;
  compiled: readonly string[];
}

/**
 * The bill of materials of a finished tree, by what is in it, in the initrd and in the boot loader; puts the copyright files into the
 * tree.
 *
 * @throws BulkheadError IMAGE_SBOM_INCOMPLETE for a program that is of no locked package, IMAGE_COPYRIGHT_MISSING
 */
export function describeImage(tree: string, options: DescribeOptions): string {
  const { packages, initrd, roots, source, version, revision, compiled } = options;
  const shipped = shippedPackages(packages, { tree, initrd });
  const unlisted = unlistedPrograms(tree, shipped, OWN_PROGRAMS);
  if (unlisted.length > 0) {
    throw new BulkheadError(
      'IMAGE_SBOM_INCOMPLETE',
      `the bill of materials does not account for ${unlisted.length} files of the image: ${unlisted.slice(0, 5).join(', ')}`,
      { hint: 'each program, library, module and firmware file has to come from a locked package' },
    );
  }
  const copyrights = installCopyrights(tree, shipped, (set) => roots[set as keyof typeof roots]);
  return billOfMaterials(source, { version, revision, debian: shipped, copyrights, compiled });
}

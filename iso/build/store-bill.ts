import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Component, cycloneDx } from './documents.ts';
import { digestOf, type Revision } from './source-facts.ts';

/** Names that Nix gives to what is no package: configuration, units, scripts. They have no version. */
const STORE_NAME = /^([0-9a-df-np-sv-z]{32})-(.+?)-(\d[\w.+-]*)$/;

/**
 * The bill of materials of a root tree of NixOS: everything in its store that has a version. The store is all there is, so
 * nothing can be missing; what came out of one package in several outputs is named once each.
 */
export function storeBill(tree: string, version: string, revision: Revision): string {
  const components = readdirSync(join(tree, 'nix/store')).flatMap((entry): Component[] => {
    const [, hash, name, itsVersion] = STORE_NAME.exec(entry) ?? [];
    if (hash === undefined || name === undefined || itsVersion === undefined) return [];
    return [{ name, version: itsVersion, purl: `pkg:generic/${name}@${itsVersion}?nix=${hash}` }];
  });
  const hex = digestOf(`nix ${version} ${revision.id}`);
  const serial = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return cycloneDx(version, revision.time, serial, components);
}

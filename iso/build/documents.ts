import { BulkheadError } from '../../base/errors.ts';
import { copyrightPath } from './shipped.ts';

/** A part of the image as the software bill of materials names it. */
export interface Component {
  name: string;
  version: string;
  purl: string;
  sha256?: string;
  /** An SPDX expression, or names as the package's own copyright file has them. */
  licence?: { expression: string } | { names: string[] };
}

/** Packages of Debian with the licences that their copyright files name. */
export function debianComponents(
  packages: readonly { name: string; version: string; sha256: string; path?: string }[],
  copyrights: ReadonlyMap<string, string>,
): Component[] {
  return packages.map(({ name, version, sha256, path }) => {
    const names = licenceNames(copyrights.get(name) ?? '');
    // A file in words of its own names no licence that a program could tell.
    const licence = { names: names.length > 0 ? names : [`see ${copyrightPath(name)}`] };
    return { name, version, purl: debianPurl(name, version, path), sha256, licence };
  });
}

/** Licences in a copyright file of Debian's machine-readable format (copyright-format 1.0); none in any other. */
export function licenceNames(copyright: string): string[] {
  if (!/^Format: \S+copyright-format/m.test(copyright)) return [];
  const names = [...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].map((match) => (match[1] ?? '').trim());
  return [...new Set(names)].sort();
}

/** @param path in the pool; its folder is the source package, which feeds of vulnerabilities go by: named where it is another one */
export function debianPurl(name: string, version: string, path = ''): string {
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=amd64&distro=trixie`;
  const [, source = name] = /^pool\/(?:[^/]+\/)*([^/]+)\/[^/]+$/.exec(path) ?? [];
  return source === name ? purl : `${purl}&upstream=${encodeURIComponent(source)}`;
}

/** The runtime in the program; the only package whose files are not among the compiled ones. */
const RUNTIME = '@oven/bun-linux-x64';

/**
 * npm packages that are compiled into the program, and the runtime. What is only imported for its types leaves nothing in it.
 *
 * @param compiled paths of the compiled source files, as Bun's metafile names them
 */
export function npmComponents(lockText: string, compiled: readonly string[]): Component[] {
  const lock = JSON.parse(lockText) as { packages: Record<string, { version?: string; license?: string }> };
  const keys = new Set([`node_modules/${RUNTIME}`]);
  for (const path of compiled) {
    const key = packageKey(path);
    if (key !== undefined) keys.add(key);
  }
  return [...keys].map((key) => {
    const entry = lock.packages[key];
    if (!entry?.version) {
      throw new BulkheadError(
        'IMAGE_UNLOCKED_SOURCE',
        `the program holds ${key}, which package-lock.json lacks`,
        {
          hint: 'npm ci brings node_modules in line with the lock file',
        },
      );
    }
    const name = key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return {
      name,
      version: entry.version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${entry.version}`,
      ...(entry.license ? { licence: { expression: entry.license } } : {}),
    };
  });
}

/** `…/node_modules/a/node_modules/@b/c/lib/d.js` belongs to `node_modules/a/node_modules/@b/c`. */
function packageKey(path: string): string | undefined {
  return /(?:^|\/)(node_modules\/.*)$/
    .exec(path)?.[1]
    ?.match(/^(?:node_modules\/(?:@[^/]+\/)?[^/]+(?:\/(?=node_modules\/)|(?=\/)))+/)?.[0];
}

/** CycloneDX 1.6 (ECMA-424) as JSON. @param serial UUID of the document */
export function cycloneDx(
  version: string,
  timestamp: string,
  serial: string,
  components: readonly Component[],
): string {
  const sorted = [...components].sort((a, b) => (a.purl < b.purl ? -1 : 1));
  return `${JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      serialNumber: `urn:uuid:${serial}`,
      version: 1,
      metadata: {
        timestamp,
        component: { type: 'firmware', name: 'bulkhead', version, 'bom-ref': `bulkhead@${version}` },
      },
      components: sorted.map((part) => ({
        type: 'library',
        'bom-ref': part.purl,
        name: part.name,
        version: part.version,
        purl: part.purl,
        ...(part.licence ? { licenses: licencesOf(part.licence) } : {}),
        ...(part.sha256 ? { hashes: [{ alg: 'SHA-256', content: part.sha256 }] } : {}),
      })),
    },
    null,
    1,
  )}\n`;
}

function licencesOf(licence: NonNullable<Component['licence']>): object[] {
  return 'expression' in licence ? [licence] : licence.names.map((name) => ({ license: { name } }));
}

export interface ProvenanceInputs {
  version: string;
  revision: string;
  builtAt: string;
  /** What was made: file name, SHA-256, and for a slot its dm-verity root hash. */
  subjects: { name: string; sha256: string; rootHash?: string }[];
  /** Name to SHA-256 of what went in: lock files, packages. */
  materials: Record<string, string>;
}

/** Where the image comes from: an in-toto statement with an SLSA provenance predicate (v1). */
export function provenance(inputs: ProvenanceInputs): string {
  return `${JSON.stringify(
    {
      _type: 'https://in-toto.io/Statement/v1',
      subject: inputs.subjects.map(({ name, sha256, rootHash }) => ({
        name,
        digest: { sha256 },
        ...(rootHash === undefined ? {} : { annotations: { verityRootHash: rootHash } }),
      })),
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          buildType: 'urn:bulkhead:iso/v1',
          externalParameters: { version: inputs.version, revision: inputs.revision },
          resolvedDependencies: Object.entries(inputs.materials).map(([name, sha256]) => ({
            name,
            digest: { sha256 },
          })),
        },
        runDetails: { builder: { id: 'urn:bulkhead:npm-run-iso' }, metadata: { startedOn: inputs.builtAt } },
      },
    },
    null,
    1,
  )}\n`;
}

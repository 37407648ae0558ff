import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A part of the image as the software bill of materials names it. */
export interface Component {
  name: string;
  version: string;
  purl: string;
  sha256?: string;
  licence?: string;
}

/** Debian packages in a root tree, by dpkg's own status file, with the lock's digests where they match. */
export function debianComponents(root: string, digests: ReadonlyMap<string, string>): Component[] {
  const status = readFileSync(join(root, 'var/lib/dpkg/status'), 'utf8');
  const components: Component[] = [];
  for (const stanza of status.split('\n\n')) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1];
    const name = field('Package');
    const version = field('Version');
    if (!name || !version || !/^Status: install ok installed$/m.test(stanza)) continue;
    const sha256 = digests.get(name);
    components.push({ name, version, purl: debianPurl(name, version), ...(sha256 ? { sha256 } : {}) });
  }
  return components;
}

export function debianPurl(name: string, version: string): string {
  return `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=amd64&distro=trixie`;
}

/** npm packages that are compiled into the program: everything in the lock file that is not for development. */
export function npmComponents(lockText: string): Component[] {
  const lock = JSON.parse(lockText) as {
    packages: Record<string, { version?: string; dev?: boolean; optional?: boolean; license?: string }>;
  };
  const components: Component[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    const name = path.split('node_modules/').pop() ?? '';
    if (name === '' || entry.dev || !entry.version) continue;
    if (entry.optional && name !== '@oven/bun-linux-x64') continue;
    components.push({
      name,
      version: entry.version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${entry.version}`,
      ...(entry.license ? { licence: entry.license } : {}),
    });
  }
  return components;
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
        ...(part.licence ? { licenses: [{ expression: part.licence }] } : {}),
        ...(part.sha256 ? { hashes: [{ alg: 'SHA-256', content: part.sha256 }] } : {}),
      })),
    },
    null,
    1,
  )}\n`;
}

export interface ProvenanceInputs {
  version: string;
  revision: string;
  builtAt: string;
  slotSha256: string;
  rootHash: string;
  /** Name to SHA-256 of what went in: lock files, packages. */
  materials: Record<string, string>;
}

/** Where the image comes from: an in-toto statement with an SLSA provenance predicate (v1). */
export function provenance(inputs: ProvenanceInputs): string {
  return `${JSON.stringify(
    {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [
        {
          name: 'slot.img',
          digest: { sha256: inputs.slotSha256 },
          annotations: { verityRootHash: inputs.rootHash },
        },
      ],
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

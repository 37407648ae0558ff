import { statSync } from 'node:fs';
import type { CommandIo } from '../../base/command-line.ts';
import { formatBytes } from '../../base/text.ts';
import type { ReleaseFile } from '../../updater/bundle/create-release.ts';
import type { BundleManifest } from '../../updater/bundle/manifest.ts';
import type { BundleFile } from '../../updater/bundle/open-bundle.ts';
import type { WriteProgress } from '../../updater/bundle/write-bundle.ts';

/** What is printed about a bundle; `verified` says whether anybody vouches for it. */
export interface BundleFacts {
  file: string;
  /** SHA-256 of the signed manifest. */
  digest: string;
  claimed_keys: readonly string[];
  manifest: BundleManifest;
}

export function bundleFacts({ source, digest, claimed_keys, manifest }: BundleFile): BundleFacts {
  return { file: source.name, digest, claimed_keys, manifest };
}

export function bundleText({ file, digest, claimed_keys, manifest }: BundleFacts): string {
  const { kind, version, built_at, compatible, base, replaces_min, expires, slot, sections } = manifest;
  const lines: [string, string][] = [
    ['file', file],
    ['release', `${version}, built ${built_at}`],
    ['kind', base ? `${kind} from ${base.version} (root hash ${base.root_hash})` : kind],
    ['hardware', compatible.join(', ')],
    ...(replaces_min === undefined ? [] : [['replaces', `${replaces_min} and later`] as [string, string]]),
    ...(expires === undefined ? [] : [['expires', expires] as [string, string]]),
    ['slot', `${formatBytes(slot.blob_bytes)}, root hash ${slot.root_hash}`],
    ['digest', digest],
    ['keys', claimed_keys.join(', ') || 'unsigned'],
    ...sections.map(({ name, bytes }): [string, string] => [`  ${name}`, formatBytes(bytes)]),
  ];
  return lines.map(([name, value]) => `${name.padEnd(14)}${value}`).join('\n');
}

export function releaseFacts(files: readonly ReleaseFile[]) {
  return files.map(({ path, manifest, digest, size_bytes }) => ({ path, size_bytes, digest, manifest }));
}

export function releaseText(files: readonly ReleaseFile[]): string {
  return files
    .map(({ path, size_bytes, manifest: { version, base } }) => {
      const blocks = statSync(`${path}.blocks`, { throwIfNoEntry: false });
      const beside = blocks ? `, blocks ${formatBytes(blocks.size)}` : '';
      return `${path}: ${version}${base ? ` from ${base.version}` : ''}, ${formatBytes(size_bytes)}${beside}`;
    })
    .join('\n');
}

/** Progress on standard error, a line for every tenth of a phase. */
export function progressLines(io: CommandIo): (progress: WriteProgress) => void {
  let told = '';
  return ({ phase, done_bytes, total_bytes }) => {
    const percent = Math.floor((10 * done_bytes) / total_bytes) * 10;
    const line = `${phase} ${percent} %\n`;
    if (line === told) return;
    told = line;
    io.err(line);
  };
}

import { formatBytes } from '../../base/text.ts';
import { PARTITION_ROLES } from '../../partitions/layout.ts';
import { describeDisk } from '../../partitions/target.ts';
import { espFiles, type InstallJob } from './job.ts';
import { ESP_MARKER } from './paths.ts';

/** The whole plan for a person, as shown before it is carried out and by `--dry-run`. */
export function describeJob(job: InstallJob): string {
  const { manifest, imagePath } = job.source;
  const rows = PARTITION_ROLES.map((role) => {
    const { number, label, start_bytes, size_bytes } = job.layout.partitions[role];
    return `  ${number}  ${label.padEnd(8)}  ${formatBytes(size_bytes).padStart(10)}  from ${formatBytes(start_bytes)}`;
  });
  return [
    `erase     ${describeDisk(job.target)}`,
    `install   bulkhead ${manifest.version} (${formatBytes(manifest.blob_bytes)}) from ${imagePath}`,
    'layout',
    ...rows,
    `ESP       ${[...espFiles(job).keys(), ESP_MARKER].join(' ')}`,
    `config    ${job.config?.source ?? 'none'}`,
    `identity  ${job.keepIdentity ? 'kept if there is one' : 'new'}`,
  ].join('\n');
}

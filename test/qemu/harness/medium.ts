import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { run, runOrThrow } from '../../../base/run.ts';

/** Copies an ISO and puts files into the top folder of its FAT partition, as a technician does with a written stick. */
export async function mediumWith(
  iso: string,
  target: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  cpSync(iso, target);
  const volume = await fatOf(target);
  for (const [name, content] of Object.entries(files)) {
    const file = `${target}.${name}`;
    writeFileSync(file, content);
    await runOrThrow(run, 'mcopy', ['-o', '-i', volume, file, `::/${name}`]);
    rmSync(file);
  }
}

/** The FAT partition of a medium, as mtools names it. */
export async function fatOf(path: string): Promise<string> {
  const table = await runOrThrow(run, 'sfdisk', ['--json', path]);
  const { partitiontable } = JSON.parse(table) as {
    partitiontable: { partitions: { start: number; type: string }[] };
  };
  const esp = partitiontable.partitions.find(({ type }) => type === 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B');
  if (!esp) throw new Error(`the ISO has no EFI system partition: ${table}`);
  return `${path}@@${esp.start * 512}`;
}

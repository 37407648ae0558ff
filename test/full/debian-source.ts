import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOrThrow } from '../../base/run.ts';
import { findMirror } from '../../iso/build/mirror.ts';
import { readPackageSets } from '../../iso/build/package-lock.ts';

/** Tens of megabytes over a slow line, and xz unpacks them on a busy machine. */
const FETCH_TIMEOUT_MS = 300_000;

/**
 * One file out of a source package of the Debian release that the image is made of. Public test vectors are in there, so that
 * none has to be copied into this tree. apt checks signatures and digests; it has lists of its own and leaves the machine's alone.
 *
 * @param folder empty scratch space, tens of megabytes
 * @param pattern as tar --wildcards takes it; one file fits
 */
export async function debianSourceFile(
  folder: string,
  sourcePackage: string,
  pattern: string,
): Promise<string> {
  const { main } = findMirror(process.env);
  const { suite } = readPackageSets();
  for (const part of ['lists/partial', 'cache/archives/partial', 'source'])
    mkdirSync(join(folder, part), { recursive: true });
  const sources = join(folder, 'sources.list');
  writeFileSync(
    sources,
    `deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${main} ${suite} main\n`,
  );
  const config = join(folder, 'apt.conf');
  writeFileSync(
    config,
    [
      `Dir::State::lists "${folder}/lists";`,
      `Dir::Cache "${folder}/cache";`,
      `Dir::Etc::sourcelist "${sources}";`,
      'Dir::Etc::sourceparts "-";',
      `APT::Sandbox::User "${process.env['USER'] ?? 'root'}";`,
      '',
    ].join('\n'),
  );
  const options = { env: { APT_CONFIG: config }, timeout_ms: FETCH_TIMEOUT_MS };
  await runOrThrow(run, 'apt-get', ['update'], options);
  const download = join(folder, 'source');
  const fetch = 'cd "$1" && exec apt-get source --quiet --tar-only --download-only "$2"';
  await runOrThrow(run, 'sh', ['-c', fetch, 'sh', download, sourcePackage], options);
  const archive = readdirSync(download).find((name) => name.includes('.orig.tar.'));
  const unpack = [
    '-xf',
    join(download, archive ?? ''),
    '-C',
    download,
    '--strip-components=1',
    '--wildcards',
    pattern,
  ];
  await runOrThrow(run, 'tar', unpack, { timeout_ms: FETCH_TIMEOUT_MS });
  const [file] = new Bun.Glob(pattern.replace(/^\*\//, '**/')).scanSync(download);
  if (file === undefined) throw new Error(`${sourcePackage} holds no ${pattern}`);
  return join(download, file);
}

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Run, runOrThrow } from '../../base/run.ts';
import { installModules, type KernelTree } from './kernel-modules.ts';
import { COMPRESS_TIMEOUT_MS, WATCHDOG_HEARTBEAT_S } from './limits.ts';

/** Programs that the initrd needs beside busybox; their libraries are found by the dynamic linker itself. */
const PROGRAMS = ['/usr/sbin/dmsetup', '/usr/sbin/e2fsck'];

export interface InitrdParts {
  tools: Run;
  toolsRoot: string;
  imageRoot: string;
  kernel: KernelTree;
  modules: readonly string[];
  /** Processor microcode to load before anything else, if there is any. */
  microcodeFile: string | undefined;
  work: string;
  output: string;
}

/** Packs the initrd: the same bytes for the same parts. */
export async function buildInitrd(run: Run, parts: InitrdParts): Promise<void> {
  const { tools, toolsRoot, imageRoot, kernel, modules, work, output } = parts;
  const root = join(work, 'initrd');
  rmSync(root, { recursive: true, force: true });
  for (const folder of [
    'dev',
    'proc',
    'sys',
    'run',
    'newroot',
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'etc/modprobe.d',
  ]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const name of ['bin', 'sbin', 'lib', 'lib64'])
    symlinkSync(name === 'lib64' ? 'usr/lib64' : `usr/${name}`, join(root, name));
  cpSync(join(import.meta.dirname, '../initrd/init'), join(root, 'init'));
  chmodSync(join(root, 'init'), 0o755);
  cpSync(join(toolsRoot, 'usr/bin/busybox'), join(root, 'usr/bin/busybox'));
  const applets = await runOrThrow(tools, 'busybox', ['--list']);
  for (const applet of applets.split('\n').filter((name) => name && name !== 'busybox')) {
    symlinkSync('busybox', join(root, 'usr/bin', applet));
  }
  for (const program of PROGRAMS) await copyWithLibraries(run, imageRoot, program, root);
  const watchdogs = ['i6300esb', 'iTCO_wdt', 'sp5100_tco'];
  writeFileSync(
    join(root, 'etc/modprobe.d/watchdog.conf'),
    watchdogs.map((name) => `options ${name} heartbeat=${WATCHDOG_HEARTBEAT_S} nowayout=1\n`).join(''),
  );
  await installModules(tools, kernel, modules, root);
  const script =
    'cd "$1" && find . -mindepth 1 -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} + && ' +
    'find . -mindepth 1 -printf \'%P\\n\' | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible | zstd -q -19 -T1 > "$2"';
  const packed = join(work, 'initrd.cpio.zst');
  await runOrThrow(tools, 'sh', ['-c', script, 'pack', root, packed], { timeout_ms: COMPRESS_TIMEOUT_MS });
  const early = parts.microcodeFile
    ? await packMicrocode(tools, parts.microcodeFile, work)
    : new Uint8Array();
  writeFileSync(output, Buffer.concat([early, readFileSync(packed)]));
}

/**
 * The kernel takes microcode from an uncompressed archive in front of the initrd.
 * Source: Documentation/arch/x86/microcode.rst of Linux.
 */
async function packMicrocode(tools: Run, file: string, work: string): Promise<Uint8Array> {
  const root = join(work, 'microcode');
  rmSync(root, { recursive: true, force: true });
  const target = join(root, 'kernel/x86/microcode/AuthenticAMD.bin');
  mkdirSync(dirname(target), { recursive: true });
  cpSync(file, target);
  const packed = join(work, 'microcode.cpio');
  const script =
    'cd "$1" && find . -mindepth 1 -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} + && ' +
    'find . -mindepth 1 -printf \'%P\\n\' | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible > "$2"';
  await runOrThrow(tools, 'sh', ['-c', script, 'pack', root, packed]);
  return readFileSync(packed);
}

async function copyWithLibraries(run: Run, imageRoot: string, program: string, root: string): Promise<void> {
  const listed = await runOrThrow(run, 'chroot', [imageRoot, 'ldd', program]);
  const libraries = [...listed.matchAll(/(\/\S+)\s+\(0x/g)].flatMap((match) => (match[1] ? [match[1]] : []));
  for (const file of [program, ...libraries]) {
    const source = realpathSync(join(imageRoot, file));
    // Libraries are linked by their short names; a copy under that name is all the linker needs.
    const target = join(root, dirname(file).startsWith('/usr') ? file : `/usr${file}`);
    if (existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    cpSync(source, join(dirname(target), basename(file)));
  }
}

import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run, runOrThrow } from '../../../base/run.ts';
import type { Arena, Contestant, Prepared } from './contestant.ts';
import { MAKE_TIMEOUT_MS } from './limits.ts';
import type { Stage } from './measure.ts';
import { computeRaucAdaptive } from './rauc-adaptive.ts';
import type { BenchSlot, VariantSlot } from './slots.ts';

/** The others, as Debian ships them, each in the form that is natural to it. */

const MADE = 'made';
const WINDOW_BYTES = 1 << 29;

/** Behind each pipeline: the plain way to put a stream on a disk. */
const writeTo = (device: string): Stage => [
  ...['dd', `of=${device}`, 'bs=1M', 'iflag=fullblock', 'oflag=direct', 'conv=fsync', 'status=none'],
];

export function peerContestants(arena: Arena): Contestant[] {
  const made = join(arena.work, MADE);
  mkdirSync(made, { recursive: true });
  const { base, device, work, effort } = arena;
  const level = `-${effort.zstd_level}`;
  const baseName = base.manifest.verity.root_hash.slice(0, 16);
  const nameOf = (slot: BenchSlot) => join(made, slot.manifest.verity.root_hash.slice(0, 16));
  const pairOf = (slot: BenchSlot) => `${nameOf(slot)}.from-${baseName}`;
  return [
    {
      name: 'zstd -d | dd',
      kind: 'full',
      onlyTimed: true,
      note: `zstd ${level} of the whole image; nothing is verified or read back`,
      prepare: async (slot) => {
        const file = `${nameOf(slot)}${level}.zst`;
        await make(file, 'zstd', [
          '-q',
          level,
          `-T${availableParallelism()}`,
          slot.file,
          '-o',
          partial(file),
        ]);
        return piped(file, [['zstd', '-dc', file], writeTo(device)]);
      },
    },
    {
      name: 'zstd --patch-from',
      kind: 'delta',
      note: `${level} --long=31; not signed, not read back; needs the base as a file`,
      prepare: async (slot) => {
        const file = `${pairOf(slot)}${level}.zstd-patch`;
        const options = ['--long=31', `--patch-from=${base.file}`];
        await make(file, 'zstd', ['-q', level, ...options, slot.file, '-o', partial(file)]);
        return piped(file, [['zstd', '-dc', ...options, file], writeTo(device)]);
      },
    },
    {
      name: 'xdelta3',
      kind: 'delta',
      note: '-9 -S lzma, source window as large as the image; not signed, not read back',
      prepare: async (slot) => {
        const file = `${pairOf(slot)}.xdelta3`;
        const window = ['-B', String(WINDOW_BYTES)];
        await make(file, 'xdelta3', [
          ...['-e', '-q', '-9', '-S', 'lzma', ...window, '-s', base.file, slot.file, partial(file)],
        ]);
        return piped(file, [
          ['xdelta3', '-d', '-q', '-c', ...window, '-s', base.file, file],
          writeTo(device),
        ]);
      },
    },
    {
      name: 'bsdiff',
      kind: 'delta',
      note: 'of the changed files alone, added up: of whole images it needs 17 times their size of memory',
      prepare: (slot) => prepareBsdiff(arena, slot, `${pairOf(slot)}.bsdiff`),
    },
    {
      name: 'casync',
      kind: 'blocks',
      note: 'chunks and compression as by default; store over HTTP, the base as seed',
      prepare: (slot) => prepareCasync(arena, slot, nameOf(slot)),
    },
    {
      name: 'zchunk',
      kind: 'blocks',
      note: 'as by default, over HTTP, one range at a time; needs the base as a .zck file',
      prepare: async (slot) => {
        const [from, to] = [`${nameOf(base)}.zck`, `${nameOf(slot)}.zck`];
        for (const [file, { file: image }] of [
          [from, base],
          [to, slot],
        ] as const)
          await make(file, 'zck', ['-o', partial(file), image]);
        const fetched = join(work, `${slot.manifest.verity.root_hash.slice(0, 16)}.zck`);
        const url = `http://127.0.0.1:${arena.server.port}/${MADE}/${slot.manifest.verity.root_hash.slice(0, 16)}.zck`;
        const script = 'zckdl -q -s "$0" "$1" >&2 && unzck -c "$2"';
        const counted = countedByServer(arena);
        return {
          ...counted,
          stages: [['sh', '-c', script, from, url, fetched], writeTo(device)],
          reset: () => {
            counted.reset();
            rmSync(fetched, { force: true });
          },
        };
      },
    },
    {
      name: 'rauc, adaptive',
      kind: 'blocks',
      note: 'computed as it does, not run (it needs dm-verity and NBD); squashfs of 128 KiB blocks, its own tree and signature not counted',
      prepare: async (slot) => {
        const { index_bytes, payload_bytes } = computeRaucAdaptive(base.file, slot.file);
        return { how: 'computed', fetched_bytes: index_bytes + payload_bytes };
      },
    },
  ];
}

function piped(file: string, stages: readonly Stage[]): Prepared {
  return { how: 'run', fetched_bytes: statSync(file).size, stages };
}

/** What a run has the server send, because the tool does not say. */
function countedByServer({ server }: Arena) {
  let before_bytes = server.sent_bytes;
  return {
    how: 'run' as const,
    fetched_bytes: 0,
    fetchedOf: () => server.sent_bytes - before_bytes,
    reset: () => {
      before_bytes = server.sent_bytes;
    },
  };
}

async function prepareCasync(arena: Arena, slot: VariantSlot, name: string): Promise<Prepared> {
  const { work, base, device, server } = arena;
  const store = join(work, MADE, 'casync.castr');
  const index = `${name}.caibx`;
  await make(index, 'casync', ['make', `--store=${store}`, partial(index, '.caibx'), slot.file]);
  const url = `http://127.0.0.1:${server.port}/${MADE}`;
  const indexUrl = `${url}/${index.slice(join(work, MADE).length + 1)}`;
  return {
    ...countedByServer(arena),
    stages: [['casync', 'extract', `--store=${url}/casync.castr`, `--seed=${base.file}`, indexUrl, device]],
  };
}

async function prepareBsdiff(arena: Arena, slot: VariantSlot, folder: string): Promise<Prepared | undefined> {
  const longest_bytes = Math.max(...slot.changed_files.map((name) => statSync(join(slot.tree, name)).size));
  if (longest_bytes > arena.effort.bsdiff_max_bytes) return undefined;
  mkdirSync(folder, { recursive: true });
  let fetched_bytes = 0;
  for (const [number, name] of slot.changed_files.entries()) {
    const file = join(folder, String(number));
    const from = join(arena.base.tree, name);
    await make(file, 'bsdiff', [existsSync(from) ? from : '/dev/zero', join(slot.tree, name), partial(file)]);
    fetched_bytes += statSync(file).size;
  }
  return { how: 'made', fetched_bytes };
}

/** Where a file lies until it is whole; some tools look at how it ends. */
function partial(file: string, end = ''): string {
  return `${file}.unfinished${end}`;
}

/** Makes a file once; the names say what of. */
async function make(file: string, program: string, args: readonly string[]): Promise<void> {
  if (existsSync(file)) return;
  const written = args.find((word) => word.startsWith(`${file}.unfinished`)) ?? partial(file);
  rmSync(written, { force: true });
  await runOrThrow(run, program, args, { timeout_ms: MAKE_TIMEOUT_MS });
  await runOrThrow(run, 'mv', [written, file]);
}

/** Debian packages and what each is for. */
const PEER_PACKAGES = {
  casync: 'casync',
  zchunk: 'zck, zckdl, unzck',
  xdelta3: 'xdelta3',
  bsdiff: 'bsdiff',
  zstd: 'zstd',
  time: '/usr/bin/time, the memory of a process',
} as const;

/** Installs what is missing, as apt knows it, and tells the versions of all. */
export async function installPeers(): Promise<{ name: string; version: string }[]> {
  const names = Object.keys(PEER_PACKAGES);
  const versionsOf = async () => {
    const { stdout } = await run('dpkg-query', [
      '-W',
      '-f',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills them in
      '${Package} ${Version} ${db:Status-Status}\n',
      ...names,
    ]);
    return stdout
      .split('\n')
      .map((line) => line.split(' '))
      .flatMap(([name = '', version = '', status]) => (status === 'installed' ? [{ name, version }] : []));
  };
  const installed = await versionsOf();
  const missing = names.filter((name) => !installed.some((entry) => entry.name === name));
  if (missing.length === 0) return installed;
  await runOrThrow(run, 'apt-get', ['install', '-y', '--no-install-recommends', ...missing], {
    timeout_ms: MAKE_TIMEOUT_MS,
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
  return versionsOf();
}

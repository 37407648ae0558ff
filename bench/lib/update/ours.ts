import { existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../base/run.ts';
import { compileProgram } from '../../../iso/build/compile-program.ts';
import { SOURCE } from '../../../test/qemu/fixtures/image.ts';
import { createRelease } from '../../../updater/bundle/create-release.ts';
import { deltaSuffix } from '../../../updater/install/release-place.ts';
import { SLOT_MAX_BYTES } from '../../../updater/limits.ts';
import { developmentKeys } from '../../../updater/signing/dev-keys.ts';
import { readSigner } from '../../../updater/signing/key-file.ts';
import type { Method } from '../../../updater/state/records.ts';
import type { Arena, Contestant, Prepared } from './contestant.ts';
import type { InstallerOrder, InstallerReport } from './installer.ts';
import type { VariantSlot } from './slots.ts';

/** Our own ways. All bundles are signed and complete; documents and key sets, which a box reads only when it lacks them, are left out. */

const RELEASES = 'releases';

/** Compiles the installer and lists its ways. */
export async function ourContestants(arena: Arena): Promise<Contestant[]> {
  const program = join(arena.work, 'installer');
  await compileProgram(run, join(SOURCE, 'bench/lib/update/installer.ts'), program, arena.work);
  const level = `pieces by zstd -${arena.effort.zstd_level}`;
  const contestant = (name: string, kind: Contestant['kind'], note: string, from: Way): Contestant => ({
    ...{ name, kind, note },
    prepare: (slot) => prepareOurs(arena, slot, program, from),
  });
  const http = (method: Method, suffix = '.bundle') => ({ method, suffix, http: true });
  return [
    contestant('Bulkhead, full', 'full', `${level}; over HTTP; read back uncached`, http('full')),
    contestant('Bulkhead, full, from a file', 'full', `${level}; as from a stick; read back uncached`, {
      ...{ method: 'full', suffix: '.bundle', http: false },
    }),
    contestant('Bulkhead, delta', 'delta', 'over HTTP; signed, complete, read back uncached', http('delta')),
    contestant(
      'Bulkhead, blocks',
      'blocks',
      'base unknown to the maker; blocks by range from .blocks',
      http('blocks'),
    ),
    contestant(
      'Bulkhead, blocks without .blocks',
      'blocks',
      `base unknown to the maker; whole pieces (${level}) of the full bundle by range`,
      http('blocks', '-alone.bundle'),
    ),
  ];
}

interface Way {
  method: Method;
  /** Of the bundle's name, behind the variant's. */
  suffix: string;
  http: boolean;
}

async function prepareOurs(
  arena: Arena,
  slot: VariantSlot,
  program: string,
  { method, suffix, http }: Way,
): Promise<Prepared> {
  const { work, base, device, server } = arena;
  const { keysetFile } = await makeRelease(arena, slot);
  const name = `${RELEASES}/${slot.variant.id}${suffix}`;
  const { data_bytes, blob_bytes, verity } = base.manifest;
  const order: InstallerOrder = {
    location: http ? `http://127.0.0.1:${server.port}/${name}` : join(work, name),
    methods: [method],
    device,
    device_bytes: SLOT_MAX_BYTES,
    base: { device: base.file, data_bytes, blob_bytes, version: '1.0.0', root_hash: verity.root_hash },
    keysetFile,
    journalFile: join(work, 'transfer.jsonl'),
    pendingFile: join(work, 'pending.json'),
  };
  const orderFile = join(work, `order-${slot.variant.id}-${method}-${http ? 'http' : 'file'}${suffix}.json`);
  writeFileSync(orderFile, JSON.stringify(order));
  const report = (printed: string) => JSON.parse(printed) as InstallerReport;
  const size_bytes = statSync(join(work, name)).size;
  return {
    how: 'run',
    fetched_bytes: size_bytes,
    stages: [[program, orderFile]],
    fetchedOf: (printed) => (http ? report(printed).fetched_bytes : size_bytes),
    detail: (printed) => {
      const { read_back_s, anonymous_bytes, file_bytes } = report(printed);
      return { read_back_s, anonymous_bytes, file_bytes };
    },
    reset: () => {
      for (const file of [order.journalFile, order.pendingFile]) rmSync(file, { force: true });
    },
  };
}

/** Full bundle, blocks and delta of a variant, made once for all ways. */
async function makeRelease(
  { work, base, effort: { zstd_level }, say }: Arena,
  slot: VariantSlot,
): Promise<{ keysetFile: string }> {
  const folder = join(work, RELEASES);
  const keys = developmentKeys(join(work, 'keys'), Date.now());
  const output = join(folder, `${slot.variant.id}.bundle`);
  const alone = join(folder, `${slot.variant.id}-alone.bundle`);
  const mark = join(
    folder,
    `${slot.variant.id}.of-${slot.manifest.verity.root_hash.slice(0, 16)}-${zstd_level}`,
  );
  const suffix = deltaSuffix(base.manifest.verity.root_hash);
  if (existsSync(mark) && existsSync(`${output}${suffix}`)) return keys;
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder))
    if (/^(-alone)?\./.test(file.slice(slot.variant.id.length)) && file.startsWith(slot.variant.id))
      rmSync(join(folder, file));
  say(`${slot.variant.id}: bundle, blocks and delta`);
  await createRelease({
    ...{ output, slot_image: slot.file, from: [base.file], blocks: true, onlyDeltas: false },
    ...{ trust: [], now: new Date(), signers: [readSigner(keys.releaseKeyFile)], zstd_level },
  });
  linkSync(output, alone);
  writeFileSync(mark, '');
  return keys;
}

import { formatBytes } from '../../base/text.ts';
import { ISO_TARGET_BYTES } from '../../iso/build/limits.ts';
import type { TimedBuild } from './builds.ts';
import type { HostFacts } from './host-facts.ts';
import { CODE_REBUILD_TARGET_S, IDLE_LOAD_MAX, MEMORY_PROMISE_BYTES, MEMORY_TARGET_BYTES } from './limits.ts';
import type { BootResults, MachineResults } from './results.ts';
import type { TimedBoot } from './timed-boot.ts';

/** What was measured, what came out, what was wanted. */
export type Row = readonly [what: string, value: string, note: string];

export interface Section {
  title: string;
  rows: Row[];
}

/** The results as people read them, in the order of the issue. Pure. */
export function describeResults(results: MachineResults): Section[] {
  const { image, boots, builds } = results;
  return [
    {
      title: 'Size',
      rows: [
        [
          'ISO',
          megabytes(image.iso_bytes),
          `${against(image.iso_bytes, ISO_TARGET_BYTES, 'target')}; version ${image.version} of ${image.revision}`,
        ],
        ['slot image', megabytes(image.slot_bytes), 'uncompressed, with dm-verity tree'],
        ['program in it', megabytes(image.program_bytes), 'every role in one file'],
      ],
    },
    ...(boots ? describeBoots(boots) : []),
    ...(builds
      ? [
          {
            title: 'Build',
            rows: [
              [
                'again after a change of code',
                `${builds.rebuild.total_s} s`,
                `${builds.rebuild.total_s < CODE_REBUILD_TARGET_S ? 'below' : 'ABOVE'} the target of ${CODE_REBUILD_TARGET_S} s; ${stepsOf(builds.rebuild)}`,
              ],
              ['everything, packages fetched before', `${builds.clean.total_s} s`, stepsOf(builds.clean)],
              [
                'two builds, the same bytes',
                builds.same_bytes ? 'yes' : 'NO',
                `ISO SHA-256 ${shortDigest(builds.rebuild.iso_sha256)} and ${shortDigest(builds.clean.iso_sha256)}, slot ${shortDigest(builds.rebuild.slot_sha256)} and ${shortDigest(builds.clean.slot_sha256)}`,
              ],
            ] satisfies Row[],
          },
        ]
      : []),
    {
      title: 'Measured on',
      rows: [...describeHost('boots', boots?.host), ...describeHost('builds', builds?.host)],
    },
  ];
}

function describeBoots(boots: BootResults): Section[] {
  const { bulkhead, debian, page_ratio, page_processor_ratio } = boots;
  const { memory } = bulkhead;
  const target = against(memory.used_bytes, MEMORY_TARGET_BYTES, 'target');
  const promise = against(memory.used_bytes, MEMORY_PROMISE_BYTES, 'promise');
  return [
    {
      title: 'Power-on to page',
      rows: [
        ['image', boots.image.version, boots.image.revision],
        ['Bulkhead, first 200 on /', `${bulkhead.page_median_s} s`, list(bulkhead.runs, 'page_s')],
        ['Debian, first 200 on /', `${debian.page_median_s} s`, list(debian.runs, 'page_s')],
        ['ratio', String(page_ratio), 'Bulkhead to Debian; below 1 is faster'],
        [
          'ratio of processor time until then',
          String(page_processor_ratio),
          `${bulkhead.page_processor_median_s} s to ${debian.page_processor_median_s} s; hardly moved by what else runs`,
        ],
        ['Bulkhead, judged healthy', `${bulkhead.settled_median_s} s`, list(bulkhead.runs, 'settled_s')],
        ['Debian, cloud-init finished', `${debian.settled_median_s} s`, list(debian.runs, 'settled_s')],
        [
          'first boot ever',
          `${bulkhead.first.page_s} s`,
          `page of Bulkhead; of Debian ${debian.first.page_s} s`,
        ],
      ],
    },
    {
      title: 'Where the time goes (one boot with a talking console)',
      rows: bulkhead.phases.map(({ name, seconds }): Row => [name, `${seconds} s`, '']),
    },
    {
      title: `Memory, two minutes after settling, of ${boots.memory_mb} MiB`,
      rows: [
        ['Bulkhead, whole system', megabytes(memory.used_bytes), `${target}; ${promise}`],
        ['its agent process', megabytes(memory.agent_bytes), 'resident, the mapped program included'],
        ['Debian, whole system', megabytes(debian.memory.used_bytes), `${debian.packages} packages`],
      ],
    },
  ];
}

function describeHost(part: string, host: HostFacts | undefined): Row[] {
  if (!host) return [];
  const [load = 0] = host.load_before;
  const calm = load <= IDLE_LOAD_MAX && host.machines_before === 0;
  const others = `${host.machines_before} other virtual machines`;
  const emulated = host.accelerator === 'kvm' ? 'KVM' : 'emulation in software: compare ratios';
  return [
    [
      `${part}: computer`,
      `${host.cpu}, ${host.cores} cores`,
      `${formatBytes(host.memory_bytes)}, Linux ${host.kernel}`,
    ],
    [`${part}: QEMU`, host.qemu, emulated],
    [
      `${part}: load before`,
      host.load_before.join(', '),
      `${calm ? 'idle' : 'NOT IDLE, times are too long'}; ${others}`,
    ],
    [`${part}: when`, host.date, `checkout ${host.revision}`],
  ];
}

/** Bytes as the targets count them: 10^6. */
function megabytes(size_bytes: number): string {
  return `${(size_bytes / 1e6).toFixed(1)} MB`;
}

function against(value_bytes: number, limit_bytes: number, word: string): string {
  return `${value_bytes < limit_bytes ? 'below' : 'ABOVE'} the ${word} of ${limit_bytes / 1e6} MB`;
}

function list(runs: readonly TimedBoot[], field: keyof TimedBoot): string {
  return `median of ${runs.map((run) => run[field]).join(', ')}`;
}

function stepsOf(build: TimedBuild): string {
  const steps = Object.entries(build.steps).filter(([, seconds]) => seconds >= 0.5);
  return steps.map(([name, seconds]) => `${name} ${seconds}`).join(', ');
}

function shortDigest(digest: string): string {
  return `${digest.slice(0, 12)}…`;
}

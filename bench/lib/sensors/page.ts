import { formatBytes, formatDuration } from '../../../base/text.ts';
import { count, hostRows, table } from '../coordinator/page.ts';
import type { LoadFigures } from '../coordinator/results.ts';
import { SENDERS, WINDOW } from './limits.ts';
import type { ProofFigures, Trouble } from './load/load-proof.ts';
import type { SensorResults } from './results.ts';

/** docs/reference/sensor-numbers.md, all of it out of the results: no figure in it was written by hand. Pure. */
export function renderPage(results: SensorResults): string {
  const { ways, memory, heal, proofs } = results;
  const load = ({ per_core_s, per_s, median_ms, p99_ms }: LoadFigures) => [
    ...[count(per_core_s), count(per_s), `${median_ms} ms`, `${p99_ms} ms`],
  ];
  const rows = ways.flatMap(({ way, whole, empty }) => [
    [way, ...load(whole)],
    [`${way}: nothing behind it`, ...load(empty)],
  ]);
  const parts = [
    HEAD,
    '## Events',
    table(['', 'per second and core', 'per second', 'median', 'p99'], rows),
    '## One sensor',
    table(
      ['what', 'value'],
      [
        ['memory of a connected sensor (gRPC, a stream)', formatBytes(memory.per_sensor_bytes)],
        [
          `memory of the service, nobody connected, then ${count(memory.sensors)}`,
          `${formatBytes(memory.before_bytes)}, ${formatBytes(memory.after_bytes)}`,
        ],
        ['from a drift to the command for it, median and p99', `${heal.median_ms} ms, ${heal.p99_ms} ms`],
      ],
    ),
    ...proofSection(proofs),
    '## Measured on',
    table(['what', 'value'], hostRows(results)),
  ];
  return `${parts.join('\n\n')}\n`;
}

const HEAD = `# Numbers of the sensor service

What sensors cost the appliance. This page is made by \`npm run bench:sensors\`; \`bench/results/sensors.json\` has the same for programs.

* **The service is a process of its own**, from source, with its store, findings, registry and both ways in, on the loopback: gRPC with mutual TLS, HTTP
  without. ${SENDERS} sensors send, on the same computer: over a stream with ${WINDOW} events under way, otherwise one event at a time each.
* **An event is answered when it is on the disk**: SQLite flushes its log with every commit, and events of a few milliseconds share one.
* **Nothing behind it**: the same sockets, TLS and messages, answered at once by an empty handler of the same libraries.
* **Per second and core** is per second of processor time of the service, all its threads, and what the kernel does for it.
* **From a drift to the command for it**: sent on an open connection, recorded, a command given by a listener, received with the acknowledgement. An
  engine that writes evidence first takes its flushes on top.`;

const TROUBLES: Record<Trouble, string> = {
  none: '',
  killed: 'service killed each minute',
  full: 'disk full for the first third',
};

/** A column for each trouble. */
function proofTable(proofs: readonly ProofFigures[]): string {
  const row = (what: string, value: (proof: ProofFigures) => string) => [what, ...proofs.map(value)];
  return table(
    ['what', ...proofs.map(({ trouble }) => TROUBLES[trouble])],
    [
      row('found', ({ made }) => count(made)),
      row('acknowledged', ({ acknowledged }) => count(acknowledged)),
      row('stored', ({ stored }) => count(stored)),
      row('of them twice', ({ twice }) => count(twice)),
      row('sensors cut off, service started again', ({ cut, restarts }) => `${count(cut)}, ${restarts}`),
      row('acknowledged after, median and p99', ({ median_ms, p99_ms }) => `${median_ms} ms, ${p99_ms} ms`),
      row(
        'status page, median and p99',
        ({ page_median_ms, page_p99_ms }) => `${page_median_ms} ms, ${page_p99_ms} ms`,
      ),
      row(
        'memory, first and last quarter',
        ({ memory_first_bytes, memory_last_bytes }) =>
          `${formatBytes(memory_first_bytes)}, ${formatBytes(memory_last_bytes)}`,
      ),
      row('processor, of a core', ({ processor_share }) => `${processor_share}`),
    ],
  );
}

function proofSection(proofs: readonly ProofFigures[]): string[] {
  const [first] = proofs;
  if (!first) return [];
  const { sensors, per_s, seconds } = first;
  return [
    '## At a given pace',
    `${count(sensors)} sensors find ${count(per_s)} events a second for ${formatDuration(seconds)}. Each keeps an event until it is acknowledged, and comes back ` +
      'when it is cut off. The service is the whole one, on a file system as small as the appliance gives it where the disk is filled; the status page, in its own process, is read five times a second.',
    proofTable(proofs),
  ];
}

import { formatBytes, formatDuration } from '../../../base/text.ts';
import { count, hostRows, table } from '../coordinator/page.ts';
import type { LoadFigures } from '../coordinator/results.ts';
import { SENDERS, WINDOW } from './limits.ts';
import type { ProofFigures } from './load-proof.ts';
import type { SensorResults } from './results.ts';

/** docs/reference/sensor-numbers.md, all of it out of the results: no figure in it was written by hand. Pure. */
export function renderPage(results: SensorResults): string {
  const { ways, memory, heal, proof } = results;
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
    ...(proof ? ['## At a given pace', table(['what', 'value'], proofRows(proof))] : []),
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

function proofRows(proof: ProofFigures): string[][] {
  const { sensors, per_s, seconds, sent, acknowledged, stored, median_ms, p99_ms } = proof;
  const { memory_first_bytes, memory_last_bytes, processor_share } = proof;
  return [
    ['load', `${count(sensors)} sensors, ${count(per_s)} events a second, ${formatDuration(seconds)}`],
    ['sent, acknowledged, stored', [sent, acknowledged, stored].map(count).join(', ')],
    ['acknowledged after, median and p99', `${median_ms} ms, ${p99_ms} ms`],
    [
      'memory, first and last quarter',
      `${formatBytes(memory_first_bytes)}, ${formatBytes(memory_last_bytes)}`,
    ],
    ['processor', `${processor_share} of a core`],
  ];
}

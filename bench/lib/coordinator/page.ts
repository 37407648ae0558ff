import { formatBytes } from '../../../base/text.ts';
import { IDLE_LOAD_MAX } from '../limits.ts';
import { CONNECTIONS, SESSION_TARGET_PER_S } from './limits.ts';
import type { CoordinatorResults, LoadFigures, SizeResult } from './results.ts';

/** docs/reference/coordinator-numbers.md, all of it out of the results: no figure in it was written by hand. Pure. */
export function renderPage(results: CoordinatorResults): string {
  const { sqlite, postgres } = results;
  const largest = sqlite.at(-1);
  const parts = [
    HEAD,
    '## Heartbeats',
    heartbeats(results),
    `Targets: ${largest ? target(largest) : 'nothing was measured'}.`,
    '## How it grows with the fleet',
    growth(postgres ? [...sqlite, postgres.size] : sqlite, sqlite.length),
    ...(sqlite.some(({ look }) => look) ? ['## Rollouts over the whole fleet', rollouts(sqlite)] : []),
    '## Measured on',
    table(['what', 'value'], hostRows(results)),
  ];
  return `${parts.join('\n\n')}\n`;
}

const HEAD = `# Numbers of the coordinator

What appliances cost their coordinator, and how that grows. This page is made by \`npm run bench:coordinator\`; \`bench/results/coordinator.json\` has
the same and more for programs.

* **Each server is a process of its own**, from source, on the loopback without TLS. The sender is on the same computer: requests are signed before
  the load begins, sent over ${CONNECTIONS} connections, one at a time on each, and answers are only counted.
* **Per second and core** is per second of processor time of the server, all its threads, and what the kernel does for it. It moves far less with what
  else the computer does than the clock does. PostgreSQL's own processes are not in it.
* **A heartbeat is answered when it is on the disk**: SQLite flushes its log with every transaction, PostgreSQL runs with its usual settings. The heartbeats of a
  transaction share a flush.
* **Ceilings** are what the same computer does of one part alone: a signature checked with a key in memory, and an empty handler of the same web
  framework, without a database.
* **The fleet** is written into the database as enrolment and reports would leave it; keys, signatures and sessions are real.`;

function heartbeats({ ceilings, sqlite, postgres, enrolment }: CoordinatorResults): string {
  const rate = (value: number) => [count(value), '', '', ''];
  const load = (figures: LoadFigures) => [
    count(figures.per_core_s),
    count(figures.per_s),
    `${figures.median_ms} ms`,
    `${figures.p99_ms} ms`,
  ];
  const of = (size: SizeResult, database: string) => [
    [`${database}, ${count(size.appliances)} appliances: signed by the device`, ...load(size.device)],
    [`${database}, ${count(size.appliances)} appliances: with a session key`, ...load(size.session)],
    [`${database}, ${count(size.appliances)} appliances: one after the other`, ...load(size.alone)],
  ];
  return table(
    ['', 'per second and core', 'per second', 'median', 'p99'],
    [
      ['ceiling: Ed25519 checked', ...rate(ceilings.ed25519_per_s)],
      ['ceiling: session key checked', ...rate(ceilings.session_per_s)],
      ['ceiling: empty handler', ...load(ceilings.empty)],
      ...sqlite.flatMap((size) => of(size, 'SQLite')),
      ...(postgres ? of(postgres.size, 'PostgreSQL') : []),
      ['enrolments by code, SQLite', ...load(enrolment)],
    ],
  );
}

function target({ session, device }: SizeResult): string {
  const met = session.per_core_s >= SESSION_TARGET_PER_S;
  const words = `${count(session.per_core_s)} per second and core with a session key, of ${count(SESSION_TARGET_PER_S)}`;
  return `${words}: ${met ? 'met' : 'NOT MET'}; ${(session.per_core_s / Math.max(1, device.per_core_s)).toFixed(2)} times those that the device signs`;
}

/** @param own how many of the sizes, from the left, are on SQLite */
function growth(sizes: readonly SizeResult[], own: number): string {
  const names = sizes[0]?.pages.map(({ name }) => name) ?? [];
  const page = (size: SizeResult, name: string) => {
    const found = size.pages.find((one) => one.name === name);
    return found ? `${found.median_ms} / ${found.p99_ms} ms` : '';
  };
  return table(
    ['', ...sizes.map(({ appliances }, at) => `${count(appliances)}${at < own ? '' : ', PostgreSQL'}`)],
    [
      ['memory after the start', ...sizes.map((size) => formatBytes(size.memory_start_bytes))],
      ['memory when everyone was heard', ...sizes.map((size) => formatBytes(size.memory_heard_bytes))],
      ...names.map((name) => [`${name}, median / p99`, ...sizes.map((size) => page(size, name))]),
    ],
  );
}

function rollouts(sizes: readonly SizeResult[]): string {
  const ms = (value: number | undefined) => (value === undefined ? '' : `${Math.round(value)} ms`);
  return table(
    ['', ...sizes.map(({ appliances }) => count(appliances))],
    [
      [
        'first look: cohort taken, first stage opened, written',
        ...sizes.map(({ look }) => ms(look?.first_ms)),
      ],
      ['nothing is new', ...sizes.map(({ look }) => (look ? `${look.quiet_ms} ms` : ''))],
      ['nothing is new, all of it read', ...sizes.map(({ look }) => ms(look?.full_ms))],
      [
        'of it the longest time without a turn for others',
        ...sizes.map(({ look }) => ms(look?.full_blocked_ms)),
      ],
      ['planner alone: first plan', ...sizes.map(({ planning }) => ms(planning?.first_ms))],
      ['planner alone: nothing new', ...sizes.map(({ planning }) => ms(planning?.quiet_ms))],
      ['planner alone: last stage opens', ...sizes.map(({ planning }) => ms(planning?.last_stage_ms))],
    ],
  );
}

/** Where and when. @param postgres undefined: there is none to speak of */
export function hostRows({
  host,
  quick,
  postgres,
}: Pick<CoordinatorResults, 'host' | 'quick'> & Partial<Pick<CoordinatorResults, 'postgres'>>): string[][] {
  const calm = (host.load_before[0] ?? 0) <= IDLE_LOAD_MAX && host.machines_before === 0;
  return [
    [
      'computer',
      `${host.cpu}, ${host.cores} cores, ${(host.memory_bytes / 1e9).toFixed(0)} GB, Linux ${host.kernel}`,
    ],
    ['effort', quick ? 'QUICK: small fleets, short loads' : 'full'],
    ...(postgres === undefined ? [] : [['PostgreSQL', postgres?.version ?? 'left out']]),
    [
      'load before',
      `${host.load_before.join(', ')}; ${host.machines_before} virtual machines of others; ${calm ? 'idle' : 'NOT IDLE, compare ratios'}`,
    ],
    ['when', `${host.date}, checkout ${host.revision}`],
  ];
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`.replace(/ {2,}\|/g, ' |');
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

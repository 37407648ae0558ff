import { lookup } from 'node:dns/promises';
import { BulkheadError } from '../../../base/errors.ts';
import { type Run, runOrThrow } from '../../../base/run.ts';
import { readMachineFacts } from '../../../health-gate/machine-facts.ts';
import { readSynchronised, readZone } from '../../facts/clock.ts';
import type { FactPaths } from '../../facts/fact-context.ts';
import { readText } from '../../facts/fact-files.ts';
import { slotsText } from '../../slots/present.ts';
import { KERNEL_LOG_LINES, QUESTION_TIMEOUT_MS } from '../limits.ts';

/** What answering questions about the machine needs from outside. */
export interface QuestionTools {
  facts: FactPaths;
  run: Run;
  now: () => Date;
  coordinatorUrl: URL | null;
  /** How far the way to the coordinator leads. */
  probe: (url: URL) => Promise<unknown>;
}

type Question = (tools: QuestionTools, argument: string | undefined) => Promise<string> | string;

/** A fixed program with fixed arguments. */
const program =
  (name: string, ...args: string[]): Question =>
  ({ run }) =>
    runOrThrow(run, name, args, { timeout_ms: QUESTION_TIMEOUT_MS });

/** Files of the kernel, each under its name. */
const files =
  (...paths: ((facts: FactPaths) => string)[]): Question =>
  ({ facts }) =>
    paths.map((path) => `${path(facts)}\n${readText(path(facts)) ?? 'cannot be read'}`).join('\n');

const several =
  (...questions: Question[]): Question =>
  async (tools, argument) => {
    const answers: string[] = [];
    for (const question of questions) answers.push(await question(tools, argument));
    return answers.join('\n');
  };

/** Every question of an order `diagnostic`, by its name. None of them has a shell, and none changes anything. */
export const QUESTIONS: Readonly<Record<string, Question>> = {
  addresses: program('ip', 'address', 'show'),
  routes: several(program('ip', '-4', 'route', 'show'), program('ip', '-6', 'route', 'show')),
  resolve: async ({ coordinatorUrl }, argument) => {
    const name = argument ?? coordinatorUrl?.hostname;
    if (name === undefined) throw new BulkheadError('ORDER_NO_NAME', 'it is not said which name to resolve');
    return `${name}\n${(await addressesOf(name)).join('\n')}`;
  },
  reach_coordinator: async ({ coordinatorUrl, probe }) => {
    if (coordinatorUrl === null) return 'no coordinator is configured';
    return JSON.stringify(
      { url: coordinatorUrl.origin, ...((await probe(coordinatorUrl)) as object) },
      null,
      2,
    );
  },
  time: ({ facts, now }) =>
    [
      `now           ${now().toISOString()}`,
      `zone          ${readZone(facts.etc)}`,
      `synchronised  ${readSynchronised(facts.run) ?? 'not known'}`,
    ].join('\n'),
  disks: several(
    files(({ proc }) => `${proc}/partitions`),
    program('df', '--print-type', '--block-size=1K'),
  ),
  memory: files(
    ({ proc }) => `${proc}/meminfo`,
    ({ proc }) => `${proc}/pressure/memory`,
    ({ proc }) => `${proc}/loadavg`,
  ),
  // The agent does not see the processes of others; their services it may ask about.
  processes: program(
    'systemctl',
    ...['show', '--property=Id,MainPID,NRestarts,MemoryCurrent,TasksCurrent,CPUUsageNSec', '*.service'],
  ),
  failed_units: program('systemctl', 'list-units', '--failed', '--plain', '--no-legend', '--no-pager'),
  firewall: files(({ firewallFactsFile }) => firewallFactsFile),
  slots: ({ facts }) => {
    const machine = readMachineFacts(facts.machineFactsFile);
    return machine === null ? 'the health gate has not looked at the slots yet' : slotsText(machine);
  },
  kernel_log: program(
    'journalctl',
    ...['--dmesg', '--boot', '--no-pager', '--quiet', '--output=short-iso', `--lines=${KERNEL_LOG_LINES}`],
  ),
};

/** As every program on the appliance finds them. */
async function addressesOf(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new BulkheadError('ORDER_NAME_UNKNOWN', `'${name}' has no address`, { cause });
  }
}

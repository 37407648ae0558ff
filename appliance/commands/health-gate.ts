import { type CommandIo, printFacts } from '../../base/command-line.ts';
import type { GateResult } from '../../health-gate/gate.ts';
import type { GateOptions } from '../../health-gate/setup.ts';
import type { RegisterCommand } from './command.ts';

interface GateCommandOptions {
  verify?: true;
  observe?: true;
  json?: true;
}

/** `bulkhead health-gate`: the verdict on this boot. */
export const registerHealthGate: RegisterCommand = (program, io) => {
  const gate = program
    .command('health-gate')
    .description(
      'judge this boot: commit it, or reboot for the next attempt; without an option, show the last verdict',
    )
    .option(
      '--verify',
      'check, record the verdict, then commit or REBOOT (root; run by msp-health-gate.service)',
    )
    .option('--observe', 'check and refresh what the status page shows; never commits, never reboots (root)')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
Exit status: 0 when the boot is healthy, 1 when it is not. With --verify 0 when it is committed or, in a rescue boot,
stays up; 1 when it reboots.

Examples:
  bulkhead health-gate                    the last verdict with every check
  bulkhead health-gate --observe --json   the same checks, made now
  bulkhead health-gate history --limit 5  the last five boots`,
    )
    .action((options: GateCommandOptions) => act(options, io));
  gate
    .command('history')
    .description('list the verdicts of earlier boots, latest first')
    .option('--limit <count>', 'at most so many verdicts (default 20)')
    .option('--json', 'print facts as JSON')
    .action((_options: unknown, command: { optsWithGlobals(): { limit?: string; json?: true } }) =>
      // With the parent's options: `--json` behind `history` is taken by whichever command declares it first.
      showHistory(command.optsWithGlobals(), io),
    );
};

async function act(options: GateCommandOptions, io: CommandIo): Promise<void> {
  const { BulkheadError } = await import('../../base/errors.ts');
  if (options.verify && options.observe) {
    throw new BulkheadError('GATE_OPTIONS', '--verify and --observe exclude each other', {
      hint: '--verify acts on the verdict, --observe only looks',
    });
  }
  if (!options.verify && !options.observe) return showVerdict(options, io);

  const { observeBoot, verifyBoot } = await import('../../health-gate/gate.ts');
  const { prepareGate } = await import('../../health-gate/setup.ts');
  const { formatVerdict } = await import('../../health-gate/history.ts');
  const { OBSERVE_PATIENCE_MS, START_PATIENCE_MS } = await import('../../health-gate/limits.ts');
  if (options.verify) endQuietlyWhenStopped();
  const setup = await prepareGate(
    await gateOptions(options.verify ? START_PATIENCE_MS : OBSERVE_PATIENCE_MS, io),
  );
  const { verdict, committed, warnings } = await (options.verify ? verifyBoot(setup) : observeBoot(setup));
  for (const warning of warnings) io.err(`${warning}\n`);
  io.setExitCode(exitCode({ verdict, committed, warnings }));
  printFacts(io, options.json, { verdict, committed, warnings }, () =>
    committed ? `${formatVerdict(verdict)}\nthis boot is committed` : formatVerdict(verdict),
  );
}

/**
 * 0 when nothing has to be started again. With --verify that includes a rescue boot that stays up unhealthy: the unit
 * reboots on any other status, and would take away the status page that says why.
 */
export function exitCode({ verdict, committed }: GateResult): number {
  if (verdict.action === 'stay') return 0;
  return verdict.outcome === 'healthy' && (committed || verdict.action === 'none') ? 0 : 1;
}

/**
 * Being stopped is no failure of the gate: somebody switches the machine off while it judges, or its own reboot has
 * begun. The attempt stays counted. Without this a power-off during the first minutes would end in a forced reboot.
 *
 * @public its test starts it in a process of its own, by a text that no tool looks into
 */
export function endQuietlyWhenStopped(): void {
  process.once('SIGTERM', () => process.exit(0));
}

async function gateOptions(patience_ms: number, io: CommandIo): Promise<GateOptions> {
  const { run } = await import('../../base/run.ts');
  const { loadConfig } = await import('../config/load.ts');
  const { nftClient } = await import('../firewall/nft/client.ts');
  const { liveFirewall } = await import('../firewall/operate.ts');
  const { askSite, describeUpdateKeys, readStatus } = await import('../gate/gate-questions.ts');
  const { IMAGE_KEYSET_FILE } = await import('../../base/paths.ts');
  const { coordinator } = loadConfig().config;
  return {
    patience_ms,
    liveFirewall: () => liveFirewall(nftClient(run)),
    readStatus,
    askSite,
    loadUpdateKeys: () => describeUpdateKeys(IMAGE_KEYSET_FILE),
    coordinatorUrl: coordinator.url,
    coordinatorCa: coordinator.ca_certificate,
    userId: process.getuid?.(),
    log: (line) => io.err(`${line}\n`),
  };
}

async function showVerdict(options: GateCommandOptions, io: CommandIo): Promise<void> {
  const { BulkheadError } = await import('../../base/errors.ts');
  const { HEALTH_FILE } = await import('../../base/paths.ts');
  const { readHealth } = await import('../../health-gate/gate-effects.ts');
  const { formatVerdict } = await import('../../health-gate/history.ts');
  const verdict = await readHealth(HEALTH_FILE);
  if (verdict === null) {
    throw new BulkheadError('GATE_NO_VERDICT', 'this boot has not been judged yet', {
      hint: "'bulkhead health-gate history' lists earlier boots; the gate judges about a minute after the start, later where a check has to wait",
    });
  }
  if (verdict.outcome !== 'healthy') io.setExitCode(1);
  printFacts(io, options.json, verdict, () => formatVerdict(verdict));
}

async function showHistory(options: { limit?: string; json?: true }, io: CommandIo): Promise<void> {
  const { BulkheadError } = await import('../../base/errors.ts');
  const { VERDICT_JOURNAL_FILE } = await import('../../base/paths.ts');
  const { formatHistory } = await import('../../health-gate/history.ts');
  const { HISTORY_SHOWN_DEFAULT } = await import('../../health-gate/limits.ts');
  const { readJournal } = await import('../../health-gate/verdict-journal.ts');
  const limit = options.limit === undefined ? HISTORY_SHOWN_DEFAULT : Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new BulkheadError('GATE_OPTIONS', `'--limit ${options.limit}' is not a number from 1`);
  }
  const { verdicts, damagedLines } = await readJournal(VERDICT_JOURNAL_FILE);
  const shown = verdicts.toReversed().slice(0, limit);
  printFacts(io, options.json, { verdicts: shown, damagedLines }, () => formatHistory(shown, damagedLines));
}

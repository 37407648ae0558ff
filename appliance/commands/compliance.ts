import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { SITE_CONTROL_SOCKET } from '../../base/paths.ts';
import type { RegisterCommand } from './command.ts';

interface Asked {
  json?: true;
  socket: string;
}

const DAY_S = 86_400;

/** `bulkhead compliance`: what the appliance and the machines around it are held to, and how far they are that. */
export const registerCompliance: RegisterCommand = (program, io) => {
  const compliance = program
    .command('compliance')
    .description('controls, how far they hold, and reports of it (root)')
    .addHelpText(
      'after',
      `
Every control with its sections of HIPAA, SRG and STIG is in the documentation (reference, controls).

Examples:
  sudo bulkhead compliance
  sudo bulkhead compliance status --framework HIPAA --state fails
  sudo bulkhead compliance show BH-AC-01
  sudo bulkhead compliance export --pdf --out compliance.pdf`,
    );
  registerStatus(compliance, io);
  registerControls(compliance, io);
  registerShow(compliance, io);
  registerHistory(compliance, io);
  registerRun(compliance, io);
  registerExport(compliance, io);
  registerLook(compliance, io);
};

function registerStatus(compliance: Command, io: CommandIo): void {
  asking(compliance, 'status', 'the rates, and what fails or is unknown', { isDefault: true })
    .option('--framework <name>', 'only controls of HIPAA, SRG or STIG')
    .option('--state <state>', 'only controls that are fails, unknown, justified, holds or not_applicable')
    .addHelpText(
      'after',
      '\nExit status: 0 nothing fails or is unknown, 1 something does, or the service does not answer.',
    )
    .action(async ({ json, socket, ...words }: Asked & { framework?: string; state?: string }) => {
      const { readFilter } = await import('../../status-page/compliance/report.ts');
      const { readReport, requireFilter } = await import('../compliance/ask.ts');
      const { statusText } = await import('../compliance/present.ts');
      const filter = requireFilter(words, readFilter(new URLSearchParams(words)));
      const report = await readReport('/v1/compliance', { socket });
      if (report.appliance.fails + report.appliance.unknown > 0) io.setExitCode(1);
      printFacts(io, json, report, () => statusText(report, filter));
    });
}

function registerControls(compliance: Command, io: CommandIo): void {
  compliance
    .command('controls')
    .description('the register of controls; asks nobody')
    .option('--json', 'print facts as JSON')
    .action(async ({ json }: { json?: true }) => {
      const { REGISTER } = await import('../compliance/register/register.ts');
      const { registerText } = await import('../compliance/present.ts');
      printFacts(io, json, REGISTER, () => registerText(REGISTER));
    });
}

function registerShow(compliance: Command, io: CommandIo): void {
  asking(
    compliance,
    'show <id>',
    'one control (BH-AC-01), or one machine (appliance, s-…, t-…), with its past',
  ).action(async (id: string, { json, socket }: Asked) => {
    const { callSite } = await import('../site/control/client.ts');
    const { controlText, machineText } = await import('../compliance/present.ts');
    // It is the same program: no other schema than its own.
    if (id.startsWith('BH-')) {
      const path = `/v1/compliance/controls/${encodeURIComponent(id)}`;
      const answer = (await callSite(path, { socket })) as Parameters<typeof controlText>[0];
      printFacts(io, json, answer, () => controlText(answer));
    } else {
      const path = `/v1/compliance/machines/${encodeURIComponent(id)}`;
      const answer = (await callSite(path, { socket })) as Parameters<typeof machineText>[0];
      printFacts(io, json, answer, () => machineText(answer));
    }
  });
}

function registerHistory(compliance: Command, io: CommandIo): void {
  asking(compliance, 'history', 'rates over time, oldest first')
    .option(
      '--scope <scope>',
      'appliance, all, framework:HIPAA, control:BH-AC-01 or machine:s-…',
      'appliance',
    )
    .option('--days <number>', 'how many days back', '30')
    .option('--by <step>', 'hour or day', 'day')
    .action(
      async ({ json, socket, scope, days, by }: Asked & { scope: string; days: string; by: string }) => {
        const { callSite } = await import('../site/control/client.ts');
        const { historyText } = await import('../compliance/present.ts');
        const until = Math.floor(Date.now() / 1000);
        const query = new URLSearchParams({
          ...{ scope, step: by, until: String(until), from: String(until - Number(days) * DAY_S) },
        });
        const points = (await callSite(`/v1/compliance/history?${query}`, { socket })) as Parameters<
          typeof historyText
        >[0];
        printFacts(io, json, points, () => historyText(points));
      },
    );
}

function registerRun(compliance: Command, io: CommandIo): void {
  asking(compliance, 'run', 'look now, instead of within a quarter of an hour').action(
    async ({ json, socket }: Asked) => {
      const { readReport } = await import('../compliance/ask.ts');
      const { statusText } = await import('../compliance/present.ts');
      const report = await readReport('/v1/compliance/run', { socket, method: 'POST' });
      printFacts(io, json, report, () => statusText(report, { framework: null, state: null }));
    },
  );
}

function registerExport(compliance: Command, io: CommandIo): void {
  compliance
    .command('export')
    .description('the report as a file: a line a result as CSV, the whole to hand over as PDF, or as JSON')
    .option('--csv', 'CSV (RFC 4180); the default')
    .option('--pdf', 'PDF')
    .option('--json', 'JSON')
    .option('--out <file>', 'where to; a PDF needs it')
    .option('--socket <path>', 'the socket of the service', SITE_CONTROL_SOCKET)
    .action(async (options: { csv?: true; pdf?: true; json?: true; out?: string; socket: string }) => {
      const { exportReport } = await import('../compliance/ask.ts');
      const { content, told } = await exportReport(options);
      if (content !== null) io.out(content);
      if (told !== null) io.err(`${told}\n`);
    });
}

function registerLook(compliance: Command, io: CommandIo): void {
  compliance
    .command('look', { hidden: true })
    .description('write down what only root can see of the controls (run by msp-health-observe.service)')
    .action(async () => {
      const { writeWhatRootSees } = await import('../compliance/look/write-what-root-sees.ts');
      io.out(`${await writeWhatRootSees()}\n`);
    });
}

function asking(compliance: Command, name: string, description: string, options = {}): Command {
  return compliance
    .command(name, options)
    .description(description)
    .option('--json', 'print facts as JSON')
    .option('--socket <path>', 'the socket of the service', SITE_CONTROL_SOCKET);
}

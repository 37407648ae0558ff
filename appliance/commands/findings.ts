import { printFacts } from '../../base/command-line.ts';
import { SITE_CONTROL_SOCKET } from '../../base/paths.ts';
import { formatTable } from '../../base/table.ts';
import type { Finding, StoredEvent } from '../findings/findings.ts';
import type { RegisterCommand } from './command.ts';

interface ListOptions {
  socket: string;
  json?: true;
  all?: true;
  subject?: string;
  check?: string;
  limit: string;
}

/** `bulkhead findings`: what was found out of order on the site. */
export const registerFindings: RegisterCommand = (program, io) => {
  const findings = program
    .command('findings')
    .description('what was found out of order, here and on what reports (root)');
  const listing = (name: string, description: string) =>
    findings
      .command(name)
      .description(description)
      .option('--subject <id>', "of 'appliance', a sensor or a target")
      .option('--check <name>', 'of one check, e.g. firewall')
      .option('--limit <count>', 'how many, latest first', '50')
      .option('--socket <path>', 'the socket of the service', SITE_CONTROL_SOCKET)
      .option('--json', 'print facts as JSON');
  listing('list', 'findings that are open, latest first')
    .option('--all', 'closed ones, too')
    .addHelpText('after', '\nExample:\n  sudo bulkhead findings list --subject appliance')
    .action(async (options: ListOptions) => {
      const { callSite } = await import('../site/control/client.ts');
      const path = `/v1/findings${queryOf(options, options.all ? {} : { state: 'open' })}`;
      // It is the same program: no other schema than its own.
      const answer = (await callSite(path, options)) as { findings: Finding[] };
      printFacts(io, options.json, answer.findings, () =>
        formatTable(
          ['id', 'state', 'since', 'severity', 'what', 'on', 'found'],
          answer.findings.map((one) => [
            ...[one.id, one.state, one.opened_at, one.severity, one.check_type],
            ...[`${one.hostname} (${one.subject})`, one.actual],
          ]),
        ),
      );
    });
  listing('events', 'what was reported, latest first').action(async (options: ListOptions) => {
    const { callSite } = await import('../site/control/client.ts');
    const answer = (await callSite(`/v1/events${queryOf(options)}`, options)) as { events: StoredEvent[] };
    printFacts(io, options.json, answer.events, () =>
      formatTable(
        ['received', 'on', 'check', 'passed', 'found'],
        answer.events.map((one) => [
          ...[one.received_at, `${one.hostname} (${one.subject})`, one.check_type, one.passed ? 'yes' : 'no'],
          one.actual,
        ]),
      ),
    );
  });
  findings
    .command('close')
    .description('close a finding by hand; it opens again when the check fails again')
    .argument('<id>')
    .option('--socket <path>', 'the socket of the service', SITE_CONTROL_SOCKET)
    .option('--json', 'print facts as JSON')
    .action(async (id: string, { socket, json }: { socket: string; json?: true }) => {
      const { callSite } = await import('../site/control/client.ts');
      const path = `/v1/findings/${encodeURIComponent(id)}/close`;
      const finding = (await callSite(path, { method: 'POST', socket })) as Finding;
      printFacts(io, json, finding, () => `closed: ${finding.check_type} on ${finding.hostname}`);
    });
};

function queryOf({ subject, check, limit }: ListOptions, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({ limit, ...more });
  if (subject !== undefined) query.set('subject', subject);
  if (check !== undefined) query.set('check_type', check);
  return `?${query}`;
}

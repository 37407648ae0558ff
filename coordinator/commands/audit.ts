import { printFacts } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import { type ApiCommandOptions, apiOf, withApiOptions } from './api-command.ts';
import type { RegisterCommand } from './command.ts';

/** `bulkhead-coordinator audit verify`: works on an exported file, without the coordinator. */
export const registerAudit: RegisterCommand = (program, io) => {
  const audit = program.command('audit').description('look at who did what');
  withApiOptions(audit.command('export').description('print the whole log, one JSON object a line')).action(
    async (options: ApiCommandOptions) => {
      const { body } = await (await apiOf(options)).stream('/api/v1/audit/export');
      const decoder = new TextDecoder();
      for await (const chunk of body ?? []) io.out(decoder.decode(chunk, { stream: true }));
    },
  );
  audit
    .command('verify')
    .description('check an exported audit log for gaps, forks and edits; needs no coordinator')
    .argument('<file>', 'what GET /api/v1/audit/export gave')
    .option(
      '--head <hash>',
      'hash of an entry that was noted before: shows that nothing was cut off behind it',
    )
    .option('--json', 'print facts as JSON')
    .action(async (file: string, options: { head?: string; json?: true }) => {
      const { verifyFile } = await import('../audit/verify-file.ts');
      const verdict = await verifyFile(file, options.head);
      printFacts(io, options.json, verdict, () =>
        verdict.intact
          ? `${verdict.entries} entries, whole; head ${verdict.head.sequence} ${verdict.head.hash}`
          : `broken at entry ${verdict.fault?.sequence}: ${verdict.fault?.kind}`,
      );
      if (!verdict.intact) io.setExitCode(1);
      if (options.head !== undefined && !verdict.headFound)
        throw new BulkheadError('AUDIT_HEAD_MISSING', `no entry has the hash ${options.head}`, {
          hint: 'entries were cut off, or the hash is of another log',
        });
    });
};

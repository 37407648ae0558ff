import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { SITE_CONTROL_SOCKET } from '../../base/paths.ts';
import { formatBytes } from '../../base/text.ts';
import type { EvidenceRecord } from '../../protocol/evidence/record.ts';
import type { EvidenceStatus } from '../evidence/control.ts';
import type { RegisterCommand } from './command.ts';
import { registerEvidenceVerify } from './evidence-verify.ts';

/** `bulkhead evidence`: what was observed and done here, and whether it is all there. */
export const registerEvidence: RegisterCommand = (program, io) => {
  const evidence = program
    .command('evidence')
    .description('what was observed and done here: signed, chained, and kept');
  registerStatus(evidence, io);
  registerList(evidence, io);
  registerExport(evidence, io);
  registerEvidenceVerify(evidence, io);
};

const SOCKET = ['--socket <path>', 'the socket of the service of the site', SITE_CONTROL_SOCKET] as const;

function registerStatus(evidence: Command, io: CommandIo): void {
  evidence
    .command('status')
    .description('how far it is, how much room there is, and who else keeps what (root)')
    .option(...SOCKET)
    .option('--json', 'print facts as JSON')
    .action(async ({ json, socket }: { json?: true; socket: string }) => {
      const { callSite } = await import('../site/control/client.ts');
      // It is the same program: no other schema than its own.
      const status = (await callSite('/v1/evidence', { socket })) as EvidenceStatus;
      printFacts(io, json, status, () => statusText(status));
    });
}

function registerList(evidence: Command, io: CommandIo): void {
  evidence
    .command('list')
    .description('records, the newest first (root)')
    .option('--kind <kind>', 'healing.ended, or all of healing')
    .option('--before <number>', 'records before this one', Number)
    .option('--limit <number>', 'at most so many', Number, 50)
    .option(...SOCKET)
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  sudo bulkhead evidence list --kind healing')
    .action(
      async (options: { kind?: string; before?: number; limit: number; socket: string; json?: true }) => {
        const { callSite } = await import('../site/control/client.ts');
        const { kind, before, limit, socket } = options;
        const query = new URLSearchParams({
          ...{ limit: String(limit), ...(kind === undefined ? {} : { kind }) },
          ...(before === undefined ? {} : { before: String(before) }),
        });
        const answer = await callSite(`/v1/evidence/records?${query}`, { socket });
        const { records } = answer as { records: EvidenceRecord[] };
        printFacts(io, options.json, records, () =>
          records
            .map(({ seq, at, kind: what, body }) => `${seq}  ${at}  ${what}  ${JSON.stringify(body)}`)
            .join('\n'),
        );
      },
    );
}

function registerExport(evidence: Command, io: CommandIo): void {
  evidence
    .command('export')
    .description('write all that is here into one file, and verify it (root)')
    .argument('<file>', 'where to; must not be there')
    .option('--chain <chain>', 'one chain alone')
    .option('--keep', 'you keep the file: its finished segments may be retired here when room is needed')
    .option(...SOCKET)
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
Anybody can verify the file: bulkhead evidence verify FILE

Example:
  sudo bulkhead evidence export /media/usb/evidence.jsonl --keep`,
    )
    .action(async (file: string, options: { chain?: string; keep?: true; socket: string; json?: true }) => {
      const { fetchExport } = await import('../evidence/fetch-export.ts');
      const { chain, keep = false, socket } = options;
      const told = await fetchExport({ file, socket, kept: keep, ...(chain === undefined ? {} : { chain }) });
      printFacts(io, options.json, told, () =>
        [
          `written: ${file}, ${formatBytes(told.size_bytes)}, verified`,
          `sha256:  ${told.sha256}`,
          ...told.chains.map(
            ({ chain: id, first_seq, last_seq }) => `chain ${id}: records ${first_seq} to ${last_seq}`,
          ),
          keep
            ? 'Finished segments in it may be retired here: keep the file.'
            : 'Nothing is retired here for it (--keep).',
        ].join('\n'),
      );
    });
}

function statusText(status: EvidenceStatus): string {
  const { head, countersigned, segments } = status;
  const trouble = segments.filter(({ state }) => state === 'quarantined' || state === 'damaged');
  return [
    `chain    ${status.chain}${status.chains.length > 1 ? `, the last of ${status.chains.length}` : ''}`,
    `head     record ${head.seq}, ${head.hash}`,
    `key      ${status.key_id} of device ${status.device}`,
    `room     ${formatBytes(status.size_bytes)} of ${formatBytes(status.max_bytes)} used`,
    `seen     ${countersigned ? `record ${countersigned.seq} by the coordinator, ${countersigned.noted_at}` : 'by no coordinator yet'}`,
    ...(status.failure === null ? [] : [`FAILED   ${status.failure}`]),
    `segments ${countsText(segments)}`,
    ...trouble.map(
      ({ chain, segment, state, refused }) =>
        `  ${state}: ${segment} of ${chain}${refused ? `, refused ${refused.times} times: ${refused.code}: ${refused.message}` : ''}`,
    ),
  ].join('\n');
}

function countsText(segments: EvidenceStatus['segments']): string {
  const counts = new Map<string, number>();
  for (const { state } of segments) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

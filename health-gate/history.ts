import type { Verdict } from './verdict-schema.ts';

/** One verdict with every check, for people. */
export function formatVerdict(verdict: Verdict): string {
  const lines = [
    `${verdict.outcome}, ${ACTIONS[verdict.action]}: ${verdict.reason}`,
    `slot ${verdict.slot ?? 'unknown'}, version ${verdict.version}, attempt ${verdict.attempt ?? 'unknown'}, ${verdict.at}`,
  ];
  const width = Math.max(...verdict.checks.map((check) => check.name.length));
  for (const { name, decisive, outcome, message } of verdict.checks) {
    const mark = outcome === 'pass' ? 'ok  ' : outcome === 'skipped' ? 'skip' : decisive ? 'FAIL' : 'warn';
    lines.push(`  ${mark}  ${name.padEnd(width)}  ${message}`);
  }
  return lines.join('\n');
}

/** The journal as a table, latest first. */
export function formatHistory(verdicts: readonly Verdict[], damagedLines: number): string {
  const rows = verdicts.map((verdict) => [
    verdict.at,
    verdict.slot ?? '?',
    verdict.version,
    String(verdict.attempt ?? '?'),
    verdict.outcome,
    verdict.action,
    verdict.reason,
  ]);
  const table = [['AT', 'SLOT', 'VERSION', 'ATTEMPT', 'OUTCOME', 'ACTION', 'REASON'], ...rows];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  if (verdicts.length === 0) lines.push('no verdict has been recorded');
  if (damagedLines > 0) lines.push(`${damagedLines} damaged lines were skipped (torn by a power cut)`);
  return lines.join('\n');
}

const ACTIONS: Readonly<Record<Verdict['action'], string>> = {
  commit: 'to be committed',
  none: 'observed only',
  reboot: 'reboots for the next attempt',
  stay: 'stays up for help',
};

import { type Command, InvalidArgumentError } from 'commander';
import type { CommandIo } from '../../base/command-line.ts';
import type { Api, ApiOptions } from '../client/api.ts';

export type ApiCommandOptions = ApiOptions & { json?: true };

/** What every command that talks to a coordinator understands. */
export function withApiOptions(command: Command): Command {
  return command
    .option('--server <address>', 'coordinator; BULKHEAD_COORDINATOR, or this machine, when not given')
    .option('--token-file <file>', 'API token; BULKHEAD_TOKEN when not given')
    .option('--json', 'print facts as JSON');
}

export async function apiOf(options: ApiOptions): Promise<Api> {
  const { openApi } = await import('../client/api.ts');
  return openApi(options, process.env);
}

/** Prints what came as JSON for programs, or as a table of some of it for people. */
export async function printRows<Row>(
  io: CommandIo,
  options: ApiCommandOptions,
  rows: readonly Row[],
  head: readonly string[],
  cells: (row: Row, time: (time_ms: unknown) => string | null) => (string | number | null)[],
): Promise<void> {
  const { printFacts } = await import('../../base/command-line.ts');
  const { formatTable, formatTime } = await import('../../base/table.ts');
  printFacts(io, options.json, rows, () =>
    formatTable(
      head,
      rows.map((row) => cells(row, formatTime)),
    ),
  );
}

/** Prints one thing: JSON in both cases, as nothing reads better that nobody has seen before. */
export function printOne(io: CommandIo, value: unknown): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** `--tag site=berlin`, several times. */
export function addTag(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const [name = '', ...value] = text.split('=');
  if (name === '' || value.length === 0) throw new InvalidArgumentError('a tag is written as name=value');
  return { ...before, [name]: value.join('=') };
}

/** An option that may be given several times. */
export function addText(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

export function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('a JSON object is needed');
}

/** A query out of what was given; what was not stays away. */
export function queryOf(values: Readonly<Record<string, string | boolean | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
  return given.length === 0 ? '' : `?${query}`;
}

/** An option that is a whole number of a range. */
export function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number from ${min} to ${max} is needed`);
    return value;
  };
}

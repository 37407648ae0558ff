import { type Run, runOrThrow } from '../../../base/run.ts';
import { BUS_TIMEOUT_MS } from '../limits.ts';

const PROPERTIES = [
  'Id',
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'User',
  'NoNewPrivileges',
  'ProtectSystem',
  'CapabilityBoundingSet',
  'RestrictNamespaces',
];

/** Properties by name, by unit. */
export type Units = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * What systemd says of units; anybody may ask it.
 *
 * @throws BulkheadError COMMAND_FAILED, COMMAND_TIMEOUT or COMMAND_NOT_FOUND where there is no systemd or no bus
 */
export async function askUnits(run: Run, names: readonly string[]): Promise<Units> {
  const text = await runOrThrow(run, 'systemctl', ['show', '-p', PROPERTIES.join(','), '--', ...names], {
    timeout_ms: BUS_TIMEOUT_MS,
  });
  return parseUnits(text, names);
}

/** `Name=value` lines, a block a unit in the order asked for, an empty line between them. */
export function parseUnits(text: string, names: readonly string[]): Units {
  const blocks = text.trim().split(/\n\s*\n/);
  return Object.fromEntries(
    names.flatMap((name, index) => {
      const block = blocks[index];
      if (block === undefined) return [];
      const pairs = block.split('\n').flatMap((line): [string, string][] => {
        const at = line.indexOf('=');
        return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
      });
      return [[name, Object.fromEntries(pairs)]];
    }),
  );
}

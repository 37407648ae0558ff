import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../base/run.ts';

/** Evaluates Nix in tests. Debian's nix-bin does it without a store and without a daemon: `dummy://` keeps nothing. */

export const NIX = join(import.meta.dirname, '..');

/** A copy of nixpkgs' `lib` folder, by the environment; undefined where none is named. */
export const nixpkgsLib: string | undefined = process.env['NIXPKGS_LIB'] || undefined;

if (nixpkgsLib !== undefined && !existsSync(join(nixpkgsLib, 'modules.nix')))
  throw new Error(`NIXPKGS_LIB=${nixpkgsLib} has no modules.nix: it has to name the lib folder of nixpkgs`);

/** The value of an expression, whole. Throws with the words of Nix. */
export async function evaluate<T>(expression: string): Promise<T> {
  const { code, stdout, stderr } = await nix(['--eval', '--strict', '--json', '--expr', expression]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}

/** The words of Nix about a file that it cannot parse; undefined for one that it can. */
export async function parseProblem(file: string): Promise<string | undefined> {
  const { code, stderr } = await nix(['--parse', file]);
  return code === 0 ? undefined : stderr;
}

function nix(args: string[]) {
  return run('nix-instantiate', ['--store', 'dummy://', '--readonly-mode', ...args], {
    timeout_ms: 60_000,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', NIX_STATE_DIR: '/nonexistent' },
  });
}

/**
 * Evaluates modules of the flake.
 *
 * @param modules their names
 * @param settings a NixOS module as Nix text, such as `{ services.compliance-agent.enable = true; }`
 * @param select what is wanted, as Nix text with `system` in scope
 * @returns the selected value, and what the system refuses to be built for
 */
export function evaluateModules<T>(
  modules: readonly string[],
  settings: string,
  select: string,
): Promise<{ refused: string[]; selected: T }> {
  return evaluate(`import ${NIX}/tests/evaluate.nix {
    nixpkgsLib = ${nixpkgsLib};
    modules = ${JSON.stringify(modules).replaceAll(',', ' ')};
    settings = ${settings};
    select = system: ${select};
  }`);
}

import { BulkheadError } from '../../base/errors.ts';

/** What people asked for, from config.yaml, from the kernel command line and from the options of the command. */
export interface InstallWishes {
  /** Text for `parseTargetWish`; null: choose. */
  target: string | null;
  hardware: 'listed' | 'any';
  /** Install over a finished installation and its data. */
  reinstall: boolean;
  /** When installing over an installation: keep its identity. Implies that this was meant. */
  keepIdentity: boolean;
}

export const DEFAULT_WISHES: InstallWishes = {
  target: null,
  hardware: 'listed',
  reinstall: false,
  keepIdentity: false,
};

/**
 * Reads the wishes among the words of a kernel command line: `bulkhead.target=`, `bulkhead.hardware=any`,
 * `bulkhead.reinstall=1`, `bulkhead.keep_identity=1`. Of a word given twice the last one counts, as for the kernel.
 *
 * @throws BulkheadError INSTALL_CMDLINE_INVALID for a value that is none of these: a typing error must not be a default
 */
export function wishesFromCommandLine(commandLine: string): Partial<InstallWishes> {
  const wishes: Partial<InstallWishes> = {};
  for (const word of commandLine.trim().split(/\s+/)) {
    const [, name, value = ''] =
      /^bulkhead\.(target|hardware|reinstall|keep_identity)=(.*)$/.exec(word) ?? [];
    if (name === 'target' && value !== '') wishes.target = value;
    else if (name === 'hardware' && (value === 'any' || value === 'listed')) wishes.hardware = value;
    else if (name === 'reinstall' && (value === '1' || value === '0')) wishes.reinstall = value === '1';
    else if (name === 'keep_identity' && (value === '1' || value === '0'))
      wishes.keepIdentity = value === '1';
    else if (name !== undefined) {
      throw new BulkheadError('INSTALL_CMDLINE_INVALID', `the kernel command line says '${word}'`, {
        hint: 'bulkhead.target=/dev/NAME, bulkhead.hardware=any, bulkhead.reinstall=1, bulkhead.keep_identity=1',
      });
    }
  }
  return wishes;
}

/** Later layers win; what a layer does not say stays. */
export function mergeWishes(...layers: readonly Partial<InstallWishes>[]): InstallWishes {
  return Object.assign({ ...DEFAULT_WISHES }, ...layers) as InstallWishes;
}

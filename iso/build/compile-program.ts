import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Run, runOrThrow } from '../../base/run.ts';
import { COMPILE_TIMEOUT_MS } from './limits.ts';

export interface CompileTarget {
  target?: 'bun-linux-x64' | 'bun-windows-x64';
  /** The runtime of that system, from the lock file; absent: the Bun that compiles. */
  runtime?: string;
  /** Names in the code that stand for these texts. */
  define?: Readonly<Record<string, string>>;
}

/**
 * Compiles a program with every role into one file. The runtime in it is the Bun that compiles, which the npm lock file holds by
 * digest: a target other than that one would be downloaded from outside any lock. Needs no network.
 *
 * Split, because a command then reads only its own part: 30 ms and 46 MB instead of 70 ms and 53 MB for `version`, and a boot
 * starts the program for each of its roles. Not with bytecode (20 ms): two changed lines then move 6.7 million bytes, and the delta
 * (zstd --patch-from) grows from 10 KB to 611 KB. Nothing is read from files that lie where the program happens to be started.
 *
 * @param home folder for what Bun would keep in the home of the person who builds
 * @param to another system than the one that builds, and what is known at build time
 * @returns paths of the source files in it, relative to the working folder
 */
export async function compileProgram(
  run: Run,
  main: string,
  output: string,
  home: string,
  { target = 'bun-linux-x64', runtime, define = {} }: CompileTarget = {},
): Promise<string[]> {
  const metafile = join(home, 'program.meta.json');
  await runOrThrow(
    run,
    process.execPath,
    [
      ...['build', '--compile', '--minify-whitespace', '--minify-syntax', '--sourcemap=none'],
      ...['--splitting', '--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'],
      // An add-on in C that ssh2 does without, and that is not built here.
      '--external=cpu-features',
      ...(runtime === undefined ? [] : [`--compile-executable-path=${runtime}`]),
      ...Object.entries(define).flatMap(([name, text]) => ['--define', `${name}=${JSON.stringify(text)}`]),
      ...[`--target=${target}`, `--metafile=${metafile}`, main, '--outfile', output],
    ],
    { timeout_ms: COMPILE_TIMEOUT_MS, env: { HOME: home, NODE_ENV: 'production' } },
  );
  const { inputs } = JSON.parse(readFileSync(metafile, 'utf8')) as { inputs: Record<string, unknown> };
  rmSync(metafile);
  return Object.keys(inputs);
}

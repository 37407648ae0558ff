import type { CommandIo } from '../../base/command-line.ts';

/** What a command line said, and how it ended. */
export interface Heard {
  out: string;
  err: string;
  /** Exit status; 0 where none was set. */
  code: number;
}

/**
 * Runs one command line in this process and listens.
 *
 * @param run gets what the program would get from its process: `heard((io) => runProgram(['slots', '--json'], io))`
 */
export async function heard(run: (io: CommandIo) => Promise<unknown>): Promise<Heard> {
  const said: Heard = { out: '', err: '', code: 0 };
  await run({
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    setExitCode: (code) => {
      said.code = code;
    },
  });
  return said;
}

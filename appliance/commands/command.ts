import type { Command } from 'commander';

/** Where a command prints; handed in so that tests can read it. */
export interface CommandIo {
  out(text: string): void;
  err(text: string): void;
  /** Exit status of the process once the command is done; 0 unless set. */
  setExitCode(code: number): void;
}

/**
 * Adds one sub-command. Files under `commands/` stay light: what a command does is imported inside its action,
 * so that `bulkhead version` does not load a web server.
 */
export type RegisterCommand = (program: Command, io: CommandIo) => void;

/** Prints facts as JSON for programs or as text for people. */
export function printFacts(
  io: CommandIo,
  asJson: boolean | undefined,
  facts: unknown,
  text: () => string,
): void {
  io.out(asJson ? `${JSON.stringify(facts, null, 2)}\n` : `${text().trimEnd()}\n`);
}

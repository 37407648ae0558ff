import type { Command } from 'commander';
import type { CommandIo } from '../../base/command-line.ts';

/** Adds one sub-command; what it does is imported inside its action, so that one command does not load another. */
export type RegisterCommand = (program: Command, io: CommandIo) => void;

/** Resolves with the signal that ends a program which runs until then. */
export function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/** An option of commands that look at files of releases. */
export const ARTIFACTS = [
  '--artifacts <place>',
  'where files of releases lie: a folder, or s3://bucket/prefix; in the data folder when not given',
] as const;

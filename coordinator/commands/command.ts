import type { Command } from 'commander';
import type { CommandIo } from '../../base/command-line.ts';

/** Adds one sub-command; what it does is imported inside its action, so that one command does not load another. */
export type RegisterCommand = (program: Command, io: CommandIo) => void;

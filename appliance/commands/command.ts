import type { Command } from 'commander';
import type { CommandIo } from '../../base/command-line.ts';

/**
 * Adds one sub-command. Files under `commands/` stay light: what a command does is imported inside its action,
 * so that `bulkhead version` does not load a web server.
 */
export type RegisterCommand = (program: Command, io: CommandIo) => void;

// @ts-check
import { spawnSync } from 'node:child_process';

/** Something that a person has to do; printed without a stack. */
export class SetupError extends Error {
  /**
   * @param {string} message what is wrong
   * @param {string} hint what to do about it
   */
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** @param {SetupError} error */
export function fail(error) {
  say(error.message);
  say(`-> ${error.hint}`);
  process.exitCode = 1;
}

/**
 * @typedef {{ program: string, args: readonly string[], env?: Record<string, string>, cwd?: string }} Command
 */

/**
 * Runs a command whose output the person sees (on standard error, so that what npm scripts print stays clean).
 *
 * @param {Command} command
 * @param {{ mayFail?: boolean }} [options] mayFail: a failure returns false instead of ending the set-up
 * @returns {boolean} whether it ended well
 */
export function runShown({ program, args, env, cwd }, options = {}) {
  const result = spawnSync(program, args, {
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (result.status === 0) return true;
  if (options.mayFail) return false;
  const end = result.error ? result.error.message : `exit status ${result.status ?? result.signal}`;
  throw new SetupError(`'${[program, ...args].join(' ')}' failed: ${end}`, 'its own words are above');
}

/**
 * Runs a command and keeps its words.
 *
 * @param {Command} command
 * @returns {{ ok: boolean, words: string }} what it printed on both outputs
 */
export function runQuietly({ program, args, env, cwd }) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const words = result.error ? result.error.message : result.stdout + result.stderr;
  return { ok: result.status === 0, words };
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {string | undefined} standard output; undefined when it is missing or fails
 */
export function outputOf(program, args) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 30_000,
  });
  return result.status === 0 ? result.stdout : undefined;
}

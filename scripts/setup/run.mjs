// @ts-check
import { spawn, spawnSync } from 'node:child_process';

/** Long enough not to flood a log, short enough that nobody thinks it hangs. */
const TICK_MS = 5_000;

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

/**
 * The root trees of the image have owners and devices, and their tools run in mounts of their own: only root can do that. Said
 * before anything is installed, and not after minutes of it.
 *
 * @param {number | undefined} uid
 * @param {string | undefined} script name of the npm script that asks
 */
export function requireRoot(uid, script) {
  if (uid === 0) return;
  const command =
    script === undefined || ['start', 'test'].includes(script) ? (script ?? 'start') : `run ${script}`;
  throw new SetupError(
    'building the image needs root, and this is not root; nothing was done',
    `sudo npm ${command} (where sudo does not find npm: sudo env "PATH=$PATH" npm ${command}); ` +
      'style, types and unit tests need none: npm run test:unit',
  );
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
 * Runs a command and keeps its words; says now and then that it is still at work.
 *
 * @param {Command} command
 * @param {(seconds: number, words: string) => void} tick called every few seconds with what was printed so far
 * @param {number} [tick_ms]
 * @returns {Promise<{ ok: boolean, words: string }>} what it printed on both outputs
 */
export function runWatched({ program, args, env, cwd }, tick, tick_ms = TICK_MS) {
  return new Promise((resolve) => {
    const began = performance.now();
    let words = '';
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    for (const output of [child.stdout, child.stderr])
      output.setEncoding('utf8').on('data', (text) => {
        words += text;
      });
    const timer = setInterval(() => tick(Math.round((performance.now() - began) / 1000), words), tick_ms);
    const end = (/** @type {boolean} */ ok) => {
      clearInterval(timer);
      resolve({ ok, words });
    };
    child.on('error', (error) => {
      words += `${error.message}\n`;
      end(false);
    });
    child.on('close', (status) => end(status === 0));
  });
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

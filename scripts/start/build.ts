import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import type { Interrupt } from './interrupt.ts';
import { BUILD_LOG, SOURCE } from './workplace.ts';

const SAID_MAX_CHARS = 8_000;

/** A build that runs: what it has said lately, and its end. */
export interface Build {
  said(): string;
  done: Promise<void>;
}

/** Builds the coordinator, and the ISO unless its sources are those of the last build. Everything they say goes to BUILD_LOG. */
export function build(interrupt: Interrupt): Build {
  const log = createWriteStream(BUILD_LOG);
  let text = '';
  // The coordinator takes a second, so it comes first.
  const script = '"$0" "$1" coordinator && exec "$0" "$1" iso --if-changed';
  const child = spawn('sh', ['-c', script, process.execPath, join(SOURCE, 'scripts/build.ts')], {
    cwd: SOURCE,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const hear = (bytes: Buffer) => {
    text = (text + bytes.toString('utf8')).slice(-SAID_MAX_CHARS);
    log.write(bytes);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      log.end();
      if (code === 0) resolve();
      else
        reject(
          new BulkheadError('START_BUILD_FAILED', lastWords(text), { hint: `everything: ${BUILD_LOG}` }),
        );
    });
  });
  const done = interrupt.orElse(ended).catch((error: unknown) => {
    child.kill();
    throw error;
  });
  return { said: () => text, done };
}

function lastWords(text: string): string {
  return `the build failed:\n${text.trim().split('\n').slice(-20).join('\n')}`;
}

import { join } from 'node:path';
import { BulkheadError } from '../../../../base/errors.ts';
import { SOURCE } from '../../../../test/qemu/fixtures/image.ts';
import { START_MS } from './limits.ts';

/** A program of ours in a process of its own that says one line of JSON when it serves. */
export type ServingProcess = Bun.Subprocess<'pipe', 'pipe', 'inherit'>;

/**
 * @param program path from the top of the repository
 * @throws BulkheadError BENCH_SERVER
 */
export async function startProcess(
  program: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ child: ServingProcess; said: unknown }> {
  const settings = ['--tsconfig-override', join(SOURCE, 'tsconfig.json')];
  const child = Bun.spawn([process.execPath, ...settings, join(SOURCE, program)], {
    ...{ cwd: SOURCE, stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' },
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  });
  const late = setTimeout(() => child.kill('SIGKILL'), START_MS);
  let line = '';
  const decoder = new TextDecoder();
  const reader = child.stdout.getReader();
  while (!line.includes('\n')) {
    const { value, done } = await reader.read();
    if (done) break;
    line += decoder.decode(value, { stream: true });
  }
  clearTimeout(late);
  if (!line.includes('\n'))
    throw new BulkheadError('BENCH_SERVER', `'${program}' did not come up`, {
      hint: 'what it said is above',
    });
  return { child, said: JSON.parse(line) };
}

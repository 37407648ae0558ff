import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../../base/errors.ts';
import { SOURCE } from '../../../test/qemu/fixtures/image.ts';
import { processorTime_s } from '../host-facts.ts';
import { START_TIMEOUT_MS } from './limits.ts';

/** A server in a process of its own, so that its processor time and memory are its own. */
export interface BenchServer {
  port: number;
  /** Signs the first administrator in; null: it has none. */
  code: string | null;
  processor_s(): number;
  memory_bytes(): number;
  stop(): Promise<void>;
}

/** @param args behind `bun`; has to print JSON with `port` when it listens */
export async function startServer(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<BenchServer> {
  const settings = ['--tsconfig-override', join(SOURCE, 'tsconfig.json')];
  const child = Bun.spawn([process.execPath, ...settings, ...args], {
    ...{ cwd: SOURCE, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  });
  const late = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  let said = '';
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk, { stream: true });
    if (said.endsWith('}\n')) break;
  }
  clearTimeout(late);
  if (!said.endsWith('}\n'))
    throw new BulkheadError('BENCH_SERVER', `'${args.join(' ')}' did not come up`, {
      hint: 'what it said is above',
    });
  const facts = JSON.parse(said) as { port: number; sign_in?: { code: string } | null };
  return {
    ...{ port: facts.port, code: facts.sign_in?.code ?? null },
    processor_s: () => processorTime_s(child.pid),
    memory_bytes: () =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024,
    async stop() {
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}

/** @param database_url none: SQLite in `data` */
export function startCoordinatorProcess(data: string, database_url?: string): Promise<BenchServer> {
  const args = ['--data', data, '--listen', '127.0.0.1', '--port', '0', '--json'];
  return startServer(
    [join(SOURCE, 'coordinator/main.ts'), 'serve', ...args],
    database_url === undefined ? {} : { DATABASE_URL: database_url },
  );
}

import { round } from '../statistics.ts';
import { type LoadResult, type NextRequest, quantile, runLoad } from './load.ts';
import type { LoadFigures } from './results.ts';
import type { BenchServer } from './server.ts';

/** Runs a load against a server and says what came of it. */
export async function measureLoad(
  server: BenchServer,
  connections: number,
  next: NextRequest,
  stop_ms?: number,
): Promise<LoadFigures> {
  const before_s = server.processor_s();
  const result = await runLoad(server.port, connections, next, stop_ms);
  return figuresOf(result, server.processor_s() - before_s);
}

/** @param processor_s that the server used */
export function figuresOf(result: LoadResult, processor_s: number): LoadFigures {
  const { answered, statuses, seconds, latencies_ms } = result;
  return {
    ...{ answered, refused: answered - (statuses['200'] ?? 0) },
    per_s: Math.round(answered / seconds),
    // The kernel counts in hundredths: a load that takes none of them says nothing.
    per_core_s: processor_s > 0 ? Math.round(answered / processor_s) : 0,
    median_ms: round(quantile(latencies_ms, 0.5), 2),
    p99_ms: round(quantile(latencies_ms, 0.99), 2),
  };
}

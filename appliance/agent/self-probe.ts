import { isIPv6 } from 'node:net';
import { FIRST_ANSWER_MS, FIRST_ANSWER_PAUSE_MS, SELF_PROBE_TIMEOUT_MS } from './limits.ts';

/** Where a process on this machine reaches what listens on `listen`; an address that means "all" is reached over loopback. */
export function selfUrl(listen: string | undefined, port: number): string {
  const everywhere = listen === undefined || listen === '::' || listen === '0.0.0.0';
  const host = everywhere ? '127.0.0.1' : isIPv6(listen) ? `[${listen}]` : listen;
  return `http://${host}:${port}`;
}

/**
 * Whether the agent's own page answers over a real connection. Null when it does; otherwise what is wrong.
 * A process whose timers still run may have a server that accepts nothing any more (no file descriptors left).
 */
export async function selfProbe(url: string): Promise<string | null> {
  try {
    const response = await fetch(`${url}/healthz`, {
      signal: AbortSignal.timeout(SELF_PROBE_TIMEOUT_MS),
      keepalive: false,
    });
    await response.body?.cancel();
    return response.status === 200 ? null : `the own page answers ${response.status}`;
  } catch (error) {
    return `the own page does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The same for a page that has just been opened: asked again until it answers. What was wrong in the end, where it never did. */
export async function firstAnswer(url: string, patience_ms = FIRST_ANSWER_MS): Promise<string | null> {
  const late_ms = performance.now() + patience_ms;
  for (;;) {
    const problem = await selfProbe(url);
    if (problem === null || performance.now() >= late_ms) return problem;
    await Bun.sleep(FIRST_ANSWER_PAUSE_MS);
  }
}

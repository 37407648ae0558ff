import { selfProbe } from './self-probe.ts';
import type { ServiceManager } from './service-manager.ts';

/**
 * Tells the service manager that the agent lives, only while its page answers a real request: a process that runs but
 * serves nobody must be restarted.
 *
 * @returns ends it
 */
export function startWatchdog(
  serviceManager: ServiceManager,
  url: string,
  warn: (message: string) => void,
): () => void {
  const { aliveInterval_ms } = serviceManager;
  if (aliveInterval_ms === null) return () => {};
  const beat = async () => {
    const problem = await selfProbe(url);
    if (problem === null) await serviceManager.alive();
    else warn(`no sign of life for the service manager: ${problem}`);
  };
  const timer = setInterval(() => void beat(), aliveInterval_ms);
  void beat();
  return () => clearInterval(timer);
}

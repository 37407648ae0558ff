import type { TargetConfig } from '../../config/schema-targets.ts';
import { oneAtATime } from './one-at-a-time.ts';
import type { WatchedTarget } from './watched-target.ts';
import type { WinrmTargetDeps } from './winrm/target.ts';

/** A declared machine with its entry of the configuration. */
export interface DeclaredTarget {
  config: TargetConfig;
  target: WatchedTarget;
}

/**
 * The machines that the configuration declares. Nothing is connected to before something is asked of one; and what speaks to them is loaded
 * only where there is one, because it costs a fifth of the time that the service takes to start.
 */
export async function openTargets(
  configs: readonly TargetConfig[],
  deps: WinrmTargetDeps,
): Promise<DeclaredTarget[]> {
  return await Promise.all(
    configs.map(async (config) => ({ config, target: oneAtATime(await openTarget(config, deps)) })),
  );
}

async function openTarget(config: TargetConfig, deps: WinrmTargetDeps): Promise<WatchedTarget> {
  if (config.way === 'ssh') {
    const { createSshTarget } = await import('./ssh/target.ts');
    return createSshTarget(config, deps.now);
  }
  const { createWinrmTarget } = await import('./winrm/target.ts');
  return createWinrmTarget(config, deps);
}

import type { TargetConfig } from '../../config/schema-targets.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { createSshTarget } from './ssh/target.ts';
import type { WatchedTarget } from './watched-target.ts';
import { createWinrmTarget, type WinrmTargetDeps } from './winrm/target.ts';

/** A declared machine with its entry of the configuration. */
export interface DeclaredTarget {
  config: TargetConfig;
  target: WatchedTarget;
}

/** The machines that the configuration declares. Nothing is connected to before something is asked of one. */
export function openTargets(configs: readonly TargetConfig[], deps: WinrmTargetDeps): DeclaredTarget[] {
  return configs.map((config) => ({
    config,
    target: oneAtATime(
      config.way === 'ssh' ? createSshTarget(config, deps.now) : createWinrmTarget(config, deps),
    ),
  }));
}

import { type AnyElysia, Elysia } from 'elysia';
import { describeError } from '../../../base/errors.ts';
import type { TargetConfig } from '../../config/schema-targets.ts';
import type { Findings } from '../../findings/findings.ts';
import type { SubjectFacts } from '../decide/decide.ts';
import type { HealingTarget } from '../target.ts';
import { openTargets } from './open-targets.ts';
import { startPoller, type TargetStatus } from './poller.ts';

export interface TargetsDeps {
  configs: readonly TargetConfig[];
  findings: Pick<Findings, 'record'>;
  now: () => Date;
  warn: (message: string) => void;
  /** 0 to 1, for when the first looks come; chance when left out. */
  random?: () => number;
}

/** The machines without a sensor, as one part of the site's service. */
export interface Targets {
  /** `GET /v1/targets`. */
  control: AnyElysia;
  /** The machine behind `t-NAME`, for healing; null: nobody has declared it. */
  machine(subject: string): { facts: SubjectFacts; target: HealingTarget } | null;
  stop(): Promise<void>;
}

/** What `bulkhead targets` shows. */
export interface TargetList {
  targets: TargetStatus[];
}

/** Starts to look at every declared machine at its interval. */
export async function startTargets({
  configs,
  findings,
  now,
  warn,
  random = Math.random,
}: TargetsDeps): Promise<Targets> {
  const targets = await openTargets(configs, {
    now,
    onLeft: (error) => warn(`a shell is left on a machine for three minutes: ${describeError(error)}`),
  });
  const poller = startPoller({
    ...{ targets, now, random, onFault: warn },
    record: (detections) => findings.record(detections),
  });
  return {
    control: new Elysia({ name: 'targets' }).get(
      '/v1/targets',
      (): TargetList => ({ targets: poller.status() }),
    ),
    machine(subject) {
      const known = targets.find(({ config }) => `t-${config.name}` === subject);
      if (!known) return null;
      const { platform, tier, name } = known.config;
      const seen = poller.status().find((status) => status.name === name)?.reachable;
      // Before the first look nobody knows; healing then finds out.
      return { facts: { platform, tier, reachable: seen !== false }, target: known.target };
    },
    stop: () => poller.stop(),
  };
}

import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { watchFolder } from '../../../agent/watch-folder.ts';
import { readJson } from '../../../facts/fact-files.ts';
import type { Detection } from '../../../findings/detection.ts';
import { LOOK_TIMEOUT_S } from '../../limits.ts';
import type { OpenedTarget } from '../../target.ts';
import { HealAnswer, writeHealRequest } from './request.ts';

export interface ApplianceTargetParts {
  /** Of the healing that asks. */
  healing: string;
  requestFile: string;
  answerFile: string;
  /** Looks now at what is really there. */
  look: (check_type: string, signal: AbortSignal) => Promise<Detection>;
}

/** This machine as a target: looks by itself, and asks root for what it may not do. */
export function applianceTarget({
  healing,
  requestFile,
  answerFile,
  look,
}: ApplianceTargetParts): OpenedTarget {
  const asked = () => (readJson(requestFile) as { healing?: unknown } | null)?.healing === healing;
  const answered = (): HealAnswer | null => {
    const answer = readJson(answerFile);
    return Value.Check(HealAnswer, answer) && answer.healing === healing ? answer : null;
  };
  return {
    ...{ name: 'appliance', platform: 'appliance', looks: 'when_asked', look_timeout_s: LOOK_TIMEOUT_S },
    async act(action, params, signal) {
      writeHealRequest(requestFile, { format: 1, healing, action, params: { ...params } });
      try {
        const { outcome, code, message } = await until(answerFile, answered, signal);
        return { claimed: outcome === 'done', output: code === null ? message : `${code}: ${message}` };
      } finally {
        // One that nobody has taken is not begun afterwards.
        if (asked()) rmSync(requestFile, { force: true });
      }
    },
    async settled(signal) {
      if (asked()) rmSync(requestFile, { force: true });
      // After a restart of the machine there is no answer, and nobody at work: the time of the action is waited for.
      await until(answerFile, answered, signal);
    },
    detect: look,
    async close() {},
  };
}

/** The first value that is there, looked for whenever the folder of a file changes. @throws the reason of the signal */
function until<T>(file: string, read: () => T | null, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const look = () => {
    const found = read();
    if (found !== null) resolve(found);
  };
  const unwatch = watchFolder(dirname(file), look);
  const give = () => reject(signal.reason);
  if (signal.aborted) give();
  signal.addEventListener('abort', give, { once: true });
  look();
  return promise.finally(() => {
    unwatch();
    signal.removeEventListener('abort', give);
  });
}

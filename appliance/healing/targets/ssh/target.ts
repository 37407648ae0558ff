import { BulkheadError } from '../../../../base/errors.ts';
import type { LinuxCheck, TargetConfig } from '../../../config/schema-targets.ts';
import { LINUX_CHECKS } from '../../../config/schema-targets.ts';
import { actionFacts, checkAction } from '../../actions.ts';
import { ACTION_OUTPUT_MAX_CHARS, CHECK_TIMEOUT_MS } from '../limits.ts';
import { detectionOf } from '../outcome.ts';
import { readSecret } from '../secret.ts';
import { lookAtAll, type WatchedTarget } from '../watched-target.ts';
import { ANSWER_END, readAnswer } from './answer.ts';
import { linuxAction } from './linux-actions.ts';
import { LINUX_CHECK_DEFINITIONS } from './linux-checks.ts';
import { actionScript, checkScript } from './linux-script.ts';
import { type SshPeer, type SshSession, withSshSession } from './session.ts';

/** A Linux machine by SSH. Each look and each action is a session of its own, which is closed before the answer is given. */
export function createSshTarget(config: TargetConfig, now: () => Date): WatchedTarget {
  const closing = new AbortController();
  const within = <T>(signal: AbortSignal, work: (session: SshSession, peer: SshPeer) => Promise<T>) => {
    const peer = peerOf(config);
    return withSshSession(peer, AbortSignal.any([signal, closing.signal]), (session) => work(session, peer));
  };
  return {
    name: config.name,
    platform: 'linux',
    async detect(check_type, signal) {
      const check = LINUX_CHECKS.find((known) => known === check_type);
      if (check === undefined)
        throw new BulkheadError('TARGET_CHECK_UNKNOWN', `'${check_type}' is no check of Linux machines`);
      return within(signal, async (session) => look(config, session, check, now));
    },
    detectAll: (signal) =>
      within(signal, (session) =>
        lookAtAll(config.checks, signal, (check) => look(config, session, check as LinuxCheck, now)),
      ),
    async act(action, params, signal) {
      checkAction(action, 'linux', params);
      return within(signal, async (session, peer) => {
        const timeout_ms = actionFacts(action).timeout_s * 1000;
        const { code, stdout, stderr } = await session.run(actionScript(linuxAction(action, params, peer)), {
          timeout_ms,
        });
        const output = `${stdout}${stderr}`.slice(-ACTION_OUTPUT_MAX_CHARS);
        return { claimed: code === 0, output };
      });
    },
    async close() {
      closing.abort(new BulkheadError('TARGET_CLOSED', `${config.name} is no longer watched`));
    },
  };
}

async function look(config: TargetConfig, session: SshSession, check: LinuxCheck, now: () => Date) {
  const { script, read } = LINUX_CHECK_DEFINITIONS[check];
  const { code, stdout, stderr } = await session.run(checkScript(script), { timeout_ms: CHECK_TIMEOUT_MS });
  if (!stdout.includes(ANSWER_END))
    throw new BulkheadError(
      'TARGET_CHECK_UNANSWERED',
      `the look at '${check}' ended with ${code} and without an answer: ${stderr.trim().slice(-200)}`,
    );
  const outcome = read(readAnswer(stdout, check), Math.floor(now().getTime() / 1000));
  return detectionOf(config, check, outcome, now);
}

function peerOf(config: TargetConfig): SshPeer {
  const { address, port, user, host_key } = config;
  if (host_key === null)
    throw new BulkheadError('SSH_HOST_KEY_UNKNOWN', `${config.name} has no host_key`, {
      hint: 'the configuration names the host key of each machine',
    });
  const key = readSecret(config.key, config.key_file);
  const password = readSecret(config.password, config.password_file);
  return { address, port, user, host_key, key, password };
}

import { randomBytes, randomUUID } from 'node:crypto';
import { BulkheadError } from '../../../../base/errors.ts';
import { type TargetConfig, WINDOWS_CHECKS, type WindowsCheck } from '../../../config/schema-targets.ts';
import { actionFacts, checkAction } from '../../actions.ts';
import { ACTION_OUTPUT_MAX_CHARS, CHECK_TIMEOUT_MS } from '../limits.ts';
import { detectionOf } from '../outcome.ts';
import { readSecret } from '../secret.ts';
import { lookAtAll, type WatchedTarget } from '../watched-target.ts';
import { actionScript, checkScript, POWERSHELL, powershellArguments } from './powershell.ts';
import { type WinrmShell, withWinrmShell } from './shell.ts';
import { windowsAction } from './windows-actions.ts';
import { WINDOWS_CHECK_DEFINITIONS } from './windows-checks.ts';

export interface WinrmTargetDeps {
  now: () => Date;
  /** Called for a shell that could not be taken away. */
  onLeft: (error: unknown) => void;
}

/** A Windows machine by WinRM. Each look and each action is a shell of its own, which is taken away before the answer is given. */
export function createWinrmTarget(config: TargetConfig, { now, onLeft }: WinrmTargetDeps): WatchedTarget {
  const closing = new AbortController();
  const within = <T>(signal: AbortSignal, work: (shell: WinrmShell) => Promise<T>) => {
    const { address, port, user, certificate_sha256 } = config;
    const password = readSecret(config.password, config.password_file) ?? '';
    const tools = { chance: { random: randomBytes, now }, uuid: randomUUID, onLeft };
    const peer = { address, port, user, password, certificate_sha256 };
    return withWinrmShell(peer, tools, AbortSignal.any([signal, closing.signal]), work);
  };
  return {
    name: config.name,
    platform: 'windows',
    async detect(check_type, signal) {
      const check = WINDOWS_CHECKS.find((known) => known === check_type);
      if (check === undefined)
        throw new BulkheadError('TARGET_CHECK_UNKNOWN', `'${check_type}' is no check of Windows machines`);
      return within(signal, (shell) => look(config, shell, check, now));
    },
    detectAll: (signal) =>
      within(signal, (shell) =>
        lookAtAll(config.checks, signal, (check) => look(config, shell, check as WindowsCheck, now)),
      ),
    async act(action, params, signal) {
      checkAction(action, 'windows', params);
      const script = actionScript(windowsAction(action, params, config.port));
      return within(signal, async (shell) => {
        const timeout_ms = actionFacts(action).timeout_s * 1000;
        const { code, stdout, stderr } = await shell.run(POWERSHELL, powershellArguments(script), {
          timeout_ms,
        });
        return { claimed: code === 0, output: `${stdout}${stderr}`.slice(-ACTION_OUTPUT_MAX_CHARS) };
      });
    },
    async close() {
      closing.abort(new BulkheadError('TARGET_CLOSED', `${config.name} is no longer watched`));
    },
  };
}

async function look(config: TargetConfig, shell: WinrmShell, check: WindowsCheck, now: () => Date) {
  const { script, read } = WINDOWS_CHECK_DEFINITIONS[check];
  const args = powershellArguments(checkScript(script));
  const { stdout } = await shell.run(POWERSHELL, args, { timeout_ms: CHECK_TIMEOUT_MS });
  return detectionOf(config, check, read(stdout), now);
}

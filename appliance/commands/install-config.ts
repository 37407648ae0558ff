import { readFileSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import type { InstallWishes } from '../../iso/installer/index.ts';
import { parseConfigText } from '../config/parse.ts';
import { formatProblem } from '../config/problem.ts';

/**
 * What a configuration says about the installation. The installer may not know the appliance's schema, so this is handed to it.
 *
 * @throws BulkheadError INSTALL_CONFIG_INVALID with every problem and its line; secrets are not repeated
 */
export function readInstallWishes(text: string, source: string): InstallWishes {
  const { ok, problems, config } = parseConfigText(text, source);
  if (!ok) {
    const errors = problems.filter((problem) => problem.severity === 'error').map(formatProblem);
    throw new BulkheadError('INSTALL_CONFIG_INVALID', `the configuration is refused:\n${errors.join('\n')}`);
  }
  const { target, hardware, reinstall, keep_identity } = config.install;
  return { target, hardware, reinstall, keepIdentity: keep_identity };
}

/** A configuration that a person named. @throws BulkheadError INSTALL_CONFIG_UNREADABLE */
export function readDeviceConfig(path: string): { text: string; source: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)), source: path };
  } catch (cause) {
    throw new BulkheadError('INSTALL_CONFIG_UNREADABLE', `cannot read ${path}`, { cause });
  }
}

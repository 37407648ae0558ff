import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import {
  AGE_KEY_FILE,
  DEVICE_SECRETS_FILE,
  IMAGE_SECRETS_FILE,
  SECRETS_FACTS_FILE,
  SECRETS_FOLDER,
} from '../../base/paths.ts';
import type { RegisterCommand } from './command.ts';

/** What the command works on; a test hands in places of its own. */
export interface SecretsPlaces {
  /** Looked for in this order. */
  manifests: readonly string[];
  ageKeyFile: string;
  folder: string;
  factsFile: string;
  isRoot: () => boolean;
}

const APPLIANCE: SecretsPlaces = {
  manifests: [DEVICE_SECRETS_FILE, IMAGE_SECRETS_FILE],
  ageKeyFile: AGE_KEY_FILE,
  folder: SECRETS_FOLDER,
  factsFile: SECRETS_FACTS_FILE,
  isRoot: () => process.getuid?.() === 0,
};

export const registerSecrets: RegisterCommand = (program, io) => registerSecretsWith(program, io, APPLIANCE);

/** `bulkhead secrets`: what sops has encrypted for this appliance, as files in memory. */
export function registerSecretsWith(program: Command, io: CommandIo, places: SecretsPlaces): void {
  const secrets = program
    .command('secrets')
    .description('decrypt what sops has encrypted for this appliance into files in memory')
    .addHelpText(
      'after',
      `
Which secrets there are stands in ${DEVICE_SECRETS_FILE}; how to encrypt them is in the documentation (operate, secrets).

Examples:
  sops encrypt --age $(bulkhead secrets key) plain.yaml > secrets.yaml
  sudo bulkhead secrets apply
  bulkhead secrets status`,
    );
  secrets
    .command('status', { isDefault: true })
    .description('show which secrets there are, and which have to be changed soon')
    .option('--json', 'print facts as JSON')
    .action(async ({ json }: { json?: true }) => {
      const { NO_SECRETS, readSecretsFacts } = await import('../secrets/facts.ts');
      const { secretNotices } = await import('../../status-page/secrets-section.ts');
      const facts = readSecretsFacts(places.factsFile);
      const notices = secretNotices(facts ?? NO_SECRETS, new Date());
      printFacts(io, json, { at: null, ...NO_SECRETS, ...facts, notices }, () =>
        facts === null
          ? 'no secrets were decrypted in this boot'
          : [
              ...facts.secrets.map(({ name }) => `${name}: ${places.folder}/${name}`),
              ...notices.map((line) => `! ${line}`),
            ].join('\n'),
      );
      if (notices.length > 0) io.setExitCode(1);
    });
  secrets
    .command('apply')
    .description('decrypt them, and restart units whose secret has changed (root; run by its unit)')
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExit status 1: one of them could not be decrypted; the others are there.')
    .action(async ({ json }: { json?: true }) => {
      if (!places.isRoot())
        throw new BulkheadError('SECRETS_NEED_ROOT', 'only root may decrypt secrets', {
          hint: 'sudo bulkhead secrets apply',
        });
      const { filesOf, readManifest } = await import('../secrets/manifest.ts');
      const { applySecrets } = await import('../secrets/apply.ts');
      const { run } = await import('../../base/run.ts');
      const { userOwner } = await import('../identity/owner.ts');
      const { onSettledFiles } = await import('../secrets/settle.ts');
      const files = () => filesOf(places.manifests);
      const apply = () =>
        applySecrets(readManifest(places.manifests), {
          ...{ folder: places.folder, factsFile: places.factsFile, run },
          userOf: (name) => userOwner(name),
          now: () => new Date(),
        });
      const report = await onSettledFiles(apply, { files, now_ms: Date.now, sleep: Bun.sleep });
      const problems = report.secrets.flatMap(({ name, problem }) =>
        problem === null ? [] : [`${name}: ${problem}`],
      );
      if (report.problem !== null) problems.push(report.problem);
      printFacts(io, json, report, () =>
        [
          `${report.secrets.length} secrets, ${report.changed.length} changed, ${report.removed.length} removed`,
          ...report.restarted.map((unit) => `restarted ${unit}`),
          ...problems.map((line) => `! ${line}`),
        ].join('\n'),
      );
      if (problems.length > 0) io.setExitCode(1);
    });
  secrets
    .command('key')
    .description('print the public age key of this appliance, which others encrypt for (root)')
    .option('--json', 'print facts as JSON')
    .action(async ({ json }: { json?: true }) => {
      const { readManifest } = await import('../secrets/manifest.ts');
      const { readAgeIdentity, recipientOf } = await import('../secrets/age-key.ts');
      const { ageKeyFile } = readManifest(places.manifests);
      const file = ageKeyFile === AGE_KEY_FILE ? places.ageKeyFile : ageKeyFile;
      const recipient = await recipientOf(readAgeIdentity(file));
      printFacts(io, json, { recipient }, () => recipient);
    });
}

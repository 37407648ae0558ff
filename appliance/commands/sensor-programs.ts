import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { DEVICE_KEYSET_FILE, IMAGE_KEYSET_FILE, SENSOR_PROGRAMS_FOLDER } from '../../base/paths.ts';
import type { TrustedKeys } from '../../updater/signing/trust.ts';

interface Asked {
  json?: true;
  folder: string;
}

interface AddOptions extends Asked {
  keyset?: string;
  allowDowngrade?: true;
}

/** `bulkhead sensors program`: the programs that sensors are offered when they run an older one. */
export function registerSensorPrograms(sensors: Command, io: CommandIo): void {
  const program = sensors
    .command('program')
    .description('programs of bulkhead-sensor that sensors are offered as updates (root)')
    .addHelpText(
      'after',
      `
A program is taken when a release key of this appliance signed it. The newest of each platform is offered, a few sensors at a time;
the one before is kept.

Examples:
  sudo bulkhead sensors program add bulkhead-sensor-linux-x64
  bulkhead sensors program list
  sudo bulkhead sensors program remove linux-x64 1.4.0`,
    );
  inFolder(program.command('add <file> [signature]'))
    .description('offer a program; its signature is FILE.dsse unless it is named')
    .option('--allow-downgrade', 'take an older version, and remove the newer ones')
    .option('--keyset <file>', 'hold it to these key sets instead of those of this appliance')
    .action(async (file: string, signature: string | undefined, options: AddOptions) => {
      const { addProgram } = await import('../sensors/programs/keep-program.ts');
      const added = addProgram({
        ...{ folder: options.folder, file, signature_file: signature ?? `${file}.dsse`, now: new Date() },
        ...{ trusted: await trustOf(options.keyset), allow_downgrade: options.allowDowngrade === true },
      });
      printFacts(io, options.json, added, () => {
        const { platform, version } = added.program;
        if (added.known) return `version ${version} for ${platform} is offered already`;
        const removed = added.removed.map((old) => `\nremoved: version ${old.version}`).join('');
        return `sensors on ${platform} are offered version ${version}${removed}`;
      });
    });
  inFolder(program.command('list', { isDefault: true }))
    .description('which programs there are')
    .action(async ({ json, folder }: Asked) => {
      const { readProgramFolder } = await import('../sensors/programs/program-folder.ts');
      const { programsText } = await import('../sensors/present.ts');
      const found = readProgramFolder(folder);
      printFacts(io, json, found, () => programsText(found));
    });
  inFolder(program.command('remove <platform> <version>'))
    .description('offer one no more, and remove it')
    .action(async (platform: string, version: string, { json, folder }: Asked) => {
      const { removeProgram } = await import('../sensors/programs/keep-program.ts');
      const removed = removeProgram(folder, platform, version);
      printFacts(io, json, removed, () => `version ${version} for ${platform} is removed`);
    });
}

function inFolder(command: Command): Command {
  return command
    .option('--folder <path>', 'where programs are kept', SENSOR_PROGRAMS_FOLDER)
    .option('--json', 'print facts as JSON');
}

/** What is on the data partition may revoke what the image still trusts: where it cannot be read, nothing is trusted. */
async function trustOf(file: string | undefined): Promise<TrustedKeys> {
  const { loadTrustedKeys, trustKeysetFile } = await import('../../updater/signing/trusted-keys.ts');
  if (file !== undefined) return trustKeysetFile(file);
  const { keys, problem } = loadTrustedKeys(IMAGE_KEYSET_FILE, DEVICE_KEYSET_FILE);
  if (problem !== null) throw problem;
  return keys;
}

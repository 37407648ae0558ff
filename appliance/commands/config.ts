import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { DEVICE_CONFIG_FILE } from '../../base/paths.ts';
import type { RegisterCommand } from './command.ts';

/** `bulkhead config`: what is configured and why, and changing it. */
export const registerConfig: RegisterCommand = (program, io) => {
  const config = program
    .command('config')
    .description('show the configuration and where each value comes from; check and change it')
    .addHelpText(
      'after',
      `
Layers, the later wins: built-in, image, device (${DEVICE_CONFIG_FILE}), environment.

Examples:
  bulkhead config                                     every value with its origin
  bulkhead config check config.yaml                   what the installer would say about a file
  bulkhead config set coordinator.url https://c.example.org
  bulkhead config set time.servers '[10.0.0.1, ntp.example.org]'`,
    );
  addShow(config, io);
  addCheck(config, io);
  addGet(config, io);
  addEdit(config, io);
  config
    .command('keys')
    .description('list every key with its meaning, as the table of the documentation')
    .option('--json', 'print facts as JSON')
    .action(async (options: { json?: true }) => {
      const { configReference, keyReferences } = await import('../config/present.ts');
      printFacts(io, options.json, keyReferences(), configReference);
    });
};

function addShow(config: Command, io: CommandIo): void {
  config
    .command('show', { isDefault: true })
    .description('print each value and its origin; secrets are masked')
    .option('--json', 'print facts as JSON')
    .option('--image-file <path>', 'the image layer (default: that of this image)')
    .option('--device-file <path>', 'the device layer', DEVICE_CONFIG_FILE)
    .action(async (options: { json?: true; imageFile?: string; deviceFile: string }) => {
      const { loadConfig } = await import('../config/load.ts');
      const { formatConfig, shownKeys } = await import('../config/present.ts');
      const loaded = loadConfig({
        deviceFile: options.deviceFile,
        ...(options.imageFile === undefined ? {} : { imageFile: options.imageFile }),
      });
      const { problems, refused } = loaded;
      printFacts(io, options.json, { keys: shownKeys(loaded), problems, refused }, () =>
        formatConfig(loaded),
      );
    });
}

function addCheck(config: Command, io: CommandIo): void {
  config
    .command('check <file>')
    .description(
      'check a configuration file; exit status 1 and the lines to correct when it would be refused',
    )
    .option('--json', 'print facts as JSON')
    .action(async (file: string, options: { json?: true }) => {
      const { readLayerFile } = await import('../config/load.ts');
      const { formatProblem } = await import('../config/problem.ts');
      const { existsSync } = await import('node:fs');
      const { BulkheadError } = await import('../../base/errors.ts');
      // A missing layer is fine for the appliance, but not for someone who asks about a file.
      if (!existsSync(file)) throw new BulkheadError('CONFIG_FILE_MISSING', `there is no file ${file}`);
      const { ok, problems, values } = readLayerFile(file);
      if (!ok) io.setExitCode(1);
      printFacts(io, options.json, { file, ok, keys: [...values.keys()], problems }, () => {
        const verdict = ok ? `${file}: valid, sets ${values.size} keys` : `${file}: refused`;
        return [...problems.map(formatProblem), verdict].join('\n');
      });
    });
}

function addGet(config: Command, io: CommandIo): void {
  config
    .command('get <key>')
    .description('print the value of one key; a secret is masked')
    .option('--json', 'print facts as JSON')
    .option('--device-file <path>', 'the device layer', DEVICE_CONFIG_FILE)
    .action(async (key: string, options: { json?: true; deviceFile: string }) => {
      const { loadConfig } = await import('../config/load.ts');
      const { formatValue, shownKeys } = await import('../config/present.ts');
      const { unknownKey } = await import('../config/edit.ts');
      const shown = shownKeys(loadConfig({ deviceFile: options.deviceFile })).find(
        (entry) => entry.key === key,
      );
      if (!shown) throw unknownKey(key);
      printFacts(io, options.json, shown, () => formatValue(shown.value));
    });
}

function addEdit(config: Command, io: CommandIo): void {
  const edit = async (file: string, key: string, value: string | undefined) => {
    const { editConfigFile } = await import('../config/edit.ts');
    const { agentOwner } = await import('../identity/owner.ts');
    const agent = agentOwner();
    const changed = editConfigFile(file, key, value, agent && { uid: 0, gid: agent.gid });
    io.out(changed ? `${file} changed; in force from the next boot\n` : `${file} says so already\n`);
  };
  config
    .command('set <key> <value>')
    .description(
      "set one key in the device's file, checked before it is written; '-' reads the value from standard input",
    )
    .option('--device-file <path>', 'the file to change', DEVICE_CONFIG_FILE)
    .action(async (key: string, value: string, options: { deviceFile: string }) => {
      // A passphrase as an argument would stand in the process list and the shell's history.
      await edit(options.deviceFile, key, value === '-' ? (await Bun.stdin.text()).trim() : value);
    });
  config
    .command('unset <key>')
    .description("remove one key from the device's file, so that the layer below holds")
    .option('--device-file <path>', 'the file to change', DEVICE_CONFIG_FILE)
    .action((key: string, options: { deviceFile: string }) => edit(options.deviceFile, key, undefined));
}

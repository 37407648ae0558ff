import type { CommandIo } from '../../base/command-line.ts';
import type { InstallEvent, InstallWishes } from '../../iso/installer/index.ts';
import { BOOT_FILES_FOLDER, LIVE_SLOT_IMAGE } from '../../iso/installer/paths.ts';
import type { RegisterCommand } from './command.ts';

interface InstallCommandOptions {
  auto?: true;
  target?: string;
  image: string;
  bootFiles: string;
  config?: string;
  hardware?: string;
  keepIdentity?: true;
  dryRun?: true;
  yes?: true;
  poweroff: boolean;
  json?: true;
}

/** `bulkhead install`: turns a disk into an appliance. */
export const registerInstall: RegisterCommand = (program, io) => {
  program
    .command('install')
    .description('erase a disk and install the appliance on it')
    .option('--auto', 'choose the target, ask nothing, show progress on the consoles, power off at the end')
    .option(
      '--target <disk>',
      '/dev/NAME, serial:NUMBER, a bus (nvme, sata, mmc, virtio, usb), largest or smallest',
    )
    .option('--image <file>', 'slot image to install', LIVE_SLOT_IMAGE)
    .option('--boot-files <folder>', 'folder with BOOTX64.EFI and grub.cfg', BOOT_FILES_FOLDER)
    .option('--config <file>', 'configuration for the appliance; --auto looks for one on the sticks')
    .option('--hardware <which>', 'with --auto: listed (known machines only) or any')
    .option('--keep-identity', 'keep the identity of the installation that is on the disk')
    .option('--dry-run', 'show what would be done; write nothing')
    .option('--yes', 'without --auto: really erase the target')
    .option('--no-poweroff', 'with --auto: stay on at the end')
    .option('--json', 'print each event as one line of JSON')
    .addHelpText(
      'after',
      `
The installation medium runs 'bulkhead install --auto'. From a workstation, as root:

  bulkhead install --target /dev/sdb --image slot.img --boot-files boot --dry-run
  bulkhead install --target /dev/sdb --image slot.img --boot-files boot --config site.yaml --yes

Everything on the target is lost. Disks in use are refused. A second run starts from scratch.`,
    )
    .action((options: InstallCommandOptions) => act(options, io));
};

async function act(options: InstallCommandOptions, io: CommandIo): Promise<void> {
  const wishes = await readWishes(options);
  const installer = await import('../../iso/installer/index.ts');
  const [{ run }, { KERNEL_ROOTS }, { readInitrdReport }, { readDeviceConfig, readInstallWishes }] =
    await Promise.all([
      import('../../base/run.ts'),
      import('../../partitions/disks.ts'),
      import('../../partitions/initrd-report.ts'),
      import('./install-config.ts'),
    ]);
  const automatic = options.auto === true;
  const config = options.config === undefined ? null : readDeviceConfig(options.config);
  const onConsoles = automatic
    ? installer.showOnConsoles(installer.planConsoles(installer.readActiveConsoles(KERNEL_ROOTS.sys)))
    : () => undefined;
  const emit = (event: InstallEvent) => {
    // Lines first: where both go to one screen, the full view is what stays.
    io.out(options.json ? `${JSON.stringify(event)}\n` : installer.renderLines(event));
    onConsoles(event);
  };
  const powersOff = automatic && options.poweroff && options.dryRun !== true;
  try {
    await installer.install(
      {
        automatic,
        imagePath: options.image,
        bootFilesFolder: options.bootFiles,
        machine: installer.readMachine(installer.DMI_FOLDER),
        live: readInitrdReport().live,
        diskPatience_ms: automatic ? installer.DISK_PATIENCE_MS : 0,
        wishes,
        config,
        readConfig: readInstallWishes,
      },
      {
        run,
        emit,
        open: installer.openBlockDevice,
        clock_ms: () => performance.now(),
        now: () => new Date(),
        randomUuid: () => crypto.randomUUID(),
        kernel: KERNEL_ROOTS,
        workFolder: installer.WORK_FOLDER,
      },
      {
        dryRun: options.dryRun === true,
        next: powersOff
          ? 'The machine turns itself off now. Remove the stick, then start it.'
          : 'Remove the installation medium before starting from this disk.',
      },
    );
  } catch {
    // Every failure was told as an event, on the screen too; a second text below would push that off.
    io.setExitCode(1);
    return;
  }
  if (powersOff) await installer.powerOff(run);
}

/** @throws BulkheadError INSTALL_USAGE for options that do not make sense together */
async function readWishes(options: InstallCommandOptions): Promise<Partial<InstallWishes>> {
  const { BulkheadError } = await import('../../base/errors.ts');
  const usage = (message: string, hint: string) => new BulkheadError('INSTALL_USAGE', message, { hint });
  const { target, hardware } = options;
  if (options.auto !== true && target === undefined) {
    throw usage('no disk was named', 'name one with --target, or use --auto on the installation medium');
  }
  if (options.auto !== true && options.dryRun !== true && options.yes !== true) {
    throw usage(
      `everything on ${target} would be lost`,
      'add --yes to do it, or --dry-run to see what would be done',
    );
  }
  if (hardware !== undefined && hardware !== 'listed' && hardware !== 'any') {
    throw usage(`--hardware ${hardware} is not known`, 'listed or any');
  }
  return {
    ...(target === undefined ? {} : { target }),
    ...(hardware === undefined ? {} : { hardware }),
    ...(options.keepIdentity === undefined ? {} : { keepIdentity: true }),
  };
}

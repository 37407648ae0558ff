import { LIVE_MEDIUM_MOUNT } from '../../partitions/target.ts';

/** Where the live system has what the installer needs; see iso/initrd/init, which mounts it. */
export const MEDIUM_MOUNT = LIVE_MEDIUM_MOUNT;
export const LIVE_SLOT_IMAGE = '/run/media-slot/slot.img';
export const BOOT_FILES_FOLDER = '/usr/lib/bulkhead/boot';
export const DMI_FOLDER = '/sys/class/dmi/id';
/** Scratch space in memory; never on a disk. */
export const WORK_FOLDER = '/run/bulkhead-install';

/** The files of the installed ESP. Their names are the loader's contract, see partitions/grub/grub.cfg. */
export const ESP_LOADER = '/EFI/BOOT/BOOTX64.EFI';
export const ESP_SCRIPT = '/bulkhead/grub.cfg';
export const ESP_LAYOUT = '/bulkhead/layout.env';
/** Written last: its presence means that the installation is complete. */
export const ESP_MARKER = '/bulkhead/installed.env';

/** What the technician puts beside the image. */
export const CONFIG_NAME = 'config.yaml';
/** On the data partition: what was installed, when, from where. */
export const RECORD_NAME = 'install.json';
export const IDENTITY_NAME = 'identity';

/** The door of the installer: what the command needs and no more. */
export { openBlockDevice } from './block-device.ts';
export { planConsoles, readActiveConsoles, showOnConsoles } from './consoles.ts';
export type { InstallEvent } from './events.ts';
export { readMachine } from './hardware.ts';
export { install } from './install.ts';
export { DISK_PATIENCE_MS } from './limits.ts';
export { renderLines } from './lines.ts';
export { DMI_FOLDER, WORK_FOLDER } from './paths.ts';
export { powerOff } from './power-off.ts';
export type { InstallWishes } from './wishes.ts';

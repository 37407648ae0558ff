/** What a machine is made of: plain data, turned into a QEMU command line by command-line.ts. */

export type DiskBus = 'virtio' | 'sata' | 'nvme' | 'emmc' | 'usb' | 'scsi';
export type DiskFormat = 'raw' | 'qcow2';

export interface DiskFile {
  path: string;
  format: DiskFormat;
}

export interface DiskOptions {
  path: string;
  /** Default `virtio`. `emmc` is an SD card behind sdhci-pci, see boot-tests.md for what that can show. */
  bus?: DiskBus;
  /** Default `raw`. */
  format?: DiskFormat;
  /** Writes go to a throw-away overlay, `path` stays as it is. Default false. */
  snapshot?: boolean;
  /** What the guest reads as serial number of the disk. Default `disk0`, `disk1`, … (an SD card has none). */
  serial?: string;
  /**
   * Every write, flush and discard of the guest goes to this file as well, in order (made anew; test/qemu/power-log reads it).
   * On a `virtio` disk only: the others can write through the cache without a word of it in the log.
   */
  logWrites?: string;
}

/** Kernel started by QEMU itself, past firmware and boot loader. */
export interface DirectBoot {
  kernel: string;
  initrd?: string;
  append: string;
}

export interface Smbios {
  manufacturer?: string;
  product?: string;
  serial?: string;
  uuid?: string;
}

export interface NetworkOptions {
  /** The guest reaches neither this computer nor anything else; forwarded ports still work. Default false. */
  restrict?: boolean;
  /** Network card as QEMU names it. Default `virtio-net-pci`. */
  model?: string;
  /**
   * Servers of the guest's network: `address:port` (in 10.0.2.0/24) to the line that a connection there gets. QEMU answers itself,
   * so no port of this computer is needed.
   */
  servers?: Readonly<Record<string, string>>;
  /** Every packet of the guest goes to this file (pcap), for saying what left it and what did not. */
  capture?: string;
}

/** Something to boot from: `disk0` is the first of `disks`. */
export type BootDevice = 'cdrom' | 'usb-stick' | 'loader' | `disk${number}`;

export interface MachineOptions {
  /** Short and unique within a test run: names log folder and process. */
  name: string;
  disks?: readonly DiskOptions[];
  /** ISO as CD-ROM on the SATA controller. */
  cdrom?: string;
  /** ISO as USB mass storage; the guest may write to it, the file stays as it is. */
  usbStick?: string;
  /** A small disk with an ESP (see createEfiDisk) that starts before everything else. */
  loader?: string;
  /** Order of the firmware. Default: loader, USB stick, CD-ROM, disks in their order. */
  bootFrom?: readonly BootDevice[];
  /** `ovmf` (UEFI, fresh variables each time) or a kernel started directly. Default `ovmf`. */
  firmware?: 'ovmf' | DirectBoot;
  /** Default 1024. */
  memory_mb?: number;
  /** Default 1: under emulation one virtual CPU boots faster than two. */
  cpus?: number;
  smbios?: Smbios;
  /** A hardware watchdog whose expiry resets the machine. Default none. */
  watchdog?: 'i6300esb';
  /** Guest port to port of this computer (127.0.0.1); 0 picks a free one. */
  forwards?: Readonly<Record<number, number>>;
  /** Default: user network with DHCP. `none`: no card at all. */
  network?: NetworkOptions | 'none';
  /** Clock of the machine at power-on, as `-rtc base=` takes it: `2011-01-01T00:00:00`. Default: now. */
  rtcBase?: string;
  /** `none` (default, screenshots work all the same), `gtk`, or `vnc=127.0.0.1:1`. */
  display?: string;
  /** Appended to the command line as they are. */
  extraArgs?: readonly string[];
  /** Where the logs go; kept there when something failed. Default build/boot-logs/NAME-…. */
  logFolder?: string;
  /** Keeps the logs even when all is well. Default false. */
  keepLogs?: boolean;
  /** A panic is part of the test: waits go on when they see one. Default false. */
  expectPanic?: boolean;
  /**
   * Waits its turn when MACHINES_AT_ONCE machines run. False for the second machine of one test: two tests that hold one place each
   * and wait for another would wait for ever. A name stands for a queue of its own. Default true.
   */
  queue?: boolean | string;
}

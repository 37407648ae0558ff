/** Limits of the benchmarks, each with its reason. */

/** Boots of each side: the median of three bears one boot that something else has disturbed. */
export const RUNS_DEFAULT = 3;

/** Memory of either machine: what a T640 is sold with at least is more, and the promise is made for this. */
export const MEMORY_MB = 1024;

/** Between two questions for the page: the resolution of the measured time, small against half a minute. */
export const ASK_INTERVAL_MS = 250;
/**
 * A question that was asked too early hangs: QEMU's user network repeats a lost packet after seconds, not at once. So
 * questions overlap and each is given up after this time; an emulated machine answers its first one within two seconds.
 */
export const ASK_TIMEOUT_MS = 3_000;

/** An emulated boot takes below a minute on an idle machine; six times that is a hang. */
export const BOOT_TIMEOUT_MS = 6 * 60_000;
/** After Ctrl-Alt-Delete: systemd's own limit for stopping a unit is 90 s. */
export const SHUTDOWN_TIMEOUT_MS = 2 * 60_000;
/** From healthy to the look at memory: what a boot leaves behind has ended, the next five-minute check has not begun. */
export const IDLE_MS = 2 * 60_000;

/** Unpacking 230 packages and making an initrd takes 40 s here. */
export const PEER_TIMEOUT_MS = 15 * 60_000;
/** Disk of the peer: 0.6 GB are used, the rest is what a cloud image would grow into. */
export const PEER_DISK_BYTES = 3 * 1024 ** 3;
export const PEER_ESP_BYTES = 64 * 1024 ** 2;

/** A build of everything but the downloads takes two minutes on two cores; ten times that is a hang. */
export const BUILD_TIMEOUT_MS = 20 * 60_000;

/** Load at which numbers are still those of an idle machine: what this very program and a mail daemon need. */
export const IDLE_LOAD_MAX = 0.5;

/** Targets and promises that the table compares with; see the issue of the machine. */
export const MEMORY_TARGET_BYTES = 150_000_000;
export const MEMORY_PROMISE_BYTES = 300_000_000;
export const CODE_REBUILD_TARGET_S = 60;

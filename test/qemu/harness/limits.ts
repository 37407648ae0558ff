/** Limits of the boot-test harness, each with its reason. */

/** Machines that run at the same time on this computer: emulation takes a core each, and build machines have two. */
export const MACHINES_AT_ONCE = 2;

/** Between two looks at a lock, a port or the serial text: short against a boot, long against the CPU it costs. */
export const POLL_MS = 50;

/** QEMU opens its control socket within a second; ten for a machine under full load. */
export const QMP_CONNECT_TIMEOUT_MS = 10_000;
/** A control command answers at once; saving and restoring are jobs with a deadline of their own. */
export const QMP_COMMAND_TIMEOUT_MS = 30_000;

/** Writing or reading the memory of a machine: 1 GiB at the 30 MB/s of a busy disk. */
export const SAVE_TIMEOUT_MS = 120_000;

/** After SIGKILL the kernel needs a moment to free the memory of a guest, even on a loaded machine. */
export const KILL_TIMEOUT_MS = 10_000;

/** Lines of the console that go with an error: enough for a panic with its call trace. */
export const CONTEXT_LINES = 40;

/** Looks at a processor that a wait was in vain for, and the pause between them: a loop is seen in several places. */
export const PROCESSOR_LOOKS = 4;
export const LOOK_PAUSE_MS = 200;

/** Console text kept in memory. A boot prints 100 kB; ten power cuts stay far below this. */
export const SERIAL_TEXT_MAX_CHARS = 16 * 1024 * 1024;

/** One answer to one request; a request that hangs must not eat the deadline of a whole wait. */
export const HTTP_REQUEST_TIMEOUT_MS = 10_000;

/** Port numbers picked by the system may be taken by another program before QEMU gets them. */
export const PORT_ATTEMPTS = 3;

/** `qemu-img` and the tools for FAT and ext4 read through sparse files of many gigabytes. */
export const DISK_TOOL_TIMEOUT_MS = 120_000;

import { defineConfig } from 'vitest/config';

/**
 * Three projects: `unit` (seconds, no image needed), `nix` (evaluates the flake's modules) and `boot` (boots the real image under
 * QEMU, or needs it otherwise). All run under Bun (`bun --bun vitest run`), because `bun:sqlite` and the code under test are Bun's.
 */
export default defineConfig({
  test: {
    // Bun lacks an IPC call that vitest's process pool needs; worker threads need none.
    pool: 'threads',
    // A machine that is switched off at the end takes a while on a busy computer.
    teardownTimeout: 60_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{appliance,base,bench,coordinator,health-gate,iso,partitions,protocol,scripts,status-page,updater}/**/*.test.{ts,tsx}',
            'test/repository/**/*.test.ts',
          ],
          exclude: ['**/*.image.test.ts'],
          globalSetup: ['./test/unit/temporary-folder.ts'],
          testTimeout: 20_000,
          // Much of it waits: for a disk, a process, a clock. Vitest itself would take one worker on two cores.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'nix',
          include: ['nix/**/*.test.ts'],
          globalSetup: ['./test/unit/temporary-folder.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'boot',
          include: ['test/qemu/**/*.test.ts', 'bench/**/*.image.test.ts'],
          globalSetup: ['./test/qemu/fixtures/prepare.ts'],
          testTimeout: 15 * 60_000,
          hookTimeout: 15 * 60_000,
          maxWorkers: 2,
          fileParallelism: true,
        },
      },
    ],
  },
});

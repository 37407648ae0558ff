import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BulkheadError, describeError } from '../../../base/errors.ts';
import type { AttachedDisk } from './command-line.ts';
import { HttpPort, hostPortOf } from './http-port.ts';
import { CONTEXT_LINES, POLL_MS } from './limits.ts';
import type { MachineOptions } from './options.ts';
import { processorLooks } from './processor-looks.ts';
import type { Exit, QemuProcess } from './qemu-process.ts';
import type { Qmp, QmpEvent } from './qmp.ts';
import type { RunFolder } from './run-folder.ts';
import { type SavedMachine, saveState } from './saved-machine.ts';
import { findInSerial, type SerialMatch } from './serial-wait.ts';

/** What startMachine put together. */
export interface MachineParts {
  options: MachineOptions;
  process: QemuProcess;
  qmp: Qmp;
  runFolder: RunFolder;
  logFolder: string;
  disks: readonly AttachedDisk[];
  variables: string | undefined;
  forwards: Readonly<Record<number, number>>;
}

/** A virtual machine that is switched on. Once off it stays off: start another one with the same disks. */
export class Machine {
  /** Text before this position was matched by an earlier wait. */
  private serialPosition = 0;
  private eventPosition = 0;
  private failed = false;
  private stopped = false;

  constructor(private readonly parts: MachineParts) {}

  get name(): string {
    return this.parts.options.name;
  }
  get logFolder(): string {
    return this.parts.logFolder;
  }
  get pid(): number | undefined {
    return this.parts.process.pid;
  }
  get running(): boolean {
    return this.parts.process.alive;
  }
  /** Settles when the machine is off, however it went off. */
  get off(): Promise<void> {
    return this.parts.process.exited.then(() => {});
  }
  /** Since power-on. */
  get elapsed_ms(): number {
    return this.parts.process.elapsed_ms;
  }
  /** The whole console so far, without control sequences. */
  get serialText(): string {
    return this.parts.process.serial.text;
  }
  /** What QEMU reported so far. */
  get events(): readonly QmpEvent[] {
    return this.parts.qmp.events;
  }

  /**
   * Waits for text on the serial console that no earlier wait has matched.
   *
   * @throws BulkheadError MACHINE_SERIAL_TIMEOUT, MACHINE_EXITED, MACHINE_PANIC, each with the last lines
   */
  async waitForSerial(pattern: string | RegExp, timeout_ms: number): Promise<SerialMatch> {
    const { serial } = this.parts.process;
    const deadline = Date.now() + timeout_ms;
    const { expectPanic = false } = this.parts.options;
    for (let seen = -1; ; await Bun.sleep(POLL_MS)) {
      const alive = this.running;
      if (serial.end !== seen || !alive) {
        seen = serial.end;
        const start = Math.max(this.serialPosition, serial.dropped);
        const finding = findInSerial(serial.from(start), pattern, expectPanic);
        if (finding.kind === 'match') {
          this.serialPosition = start + finding.end;
          return finding.match;
        }
        if (finding.kind === 'panic') throw await this.fail('MACHINE_PANIC', `kernel panic: ${finding.line}`);
      }
      if (!alive)
        throw await this.fail('MACHINE_EXITED', `the machine went off while waiting for ${pattern}`);
      if (Date.now() > deadline) {
        throw await this.fail(
          'MACHINE_SERIAL_TIMEOUT',
          `no ${pattern} on the console within ${timeout_ms} ms`,
        );
      }
    }
  }

  /** Types text on the serial line. A line ends with `\r`, as the Enter key sends it. */
  sendSerial(text: string): void {
    this.parts.process.write(new TextEncoder().encode(text));
  }

  /** @throws BulkheadError MACHINE_PORT_NOT_FORWARDED */
  http(guestPort = 80): HttpPort {
    return new HttpPort(
      this.hostPort(guestPort),
      () => this.checkRunning(),
      (code, message) => this.fail(code, message),
    );
  }

  /** Where a port of the guest is reached on 127.0.0.1. */
  hostPort(guestPort: number): number {
    return hostPortOf(this.parts.forwards, guestPort);
  }

  /** What the screen shows, as PNG. */
  async screenshot(path: string): Promise<void> {
    await this.qmp('screendump', { filename: resolve(path), format: 'png' });
  }

  /** Presses the power button: the guest is asked by ACPI to shut down. */
  async powerButton(): Promise<void> {
    await this.qmp('system_powerdown');
  }

  /** Presses Ctrl-Alt-Delete: Linux shuts down in an orderly way and restarts. */
  async ctrlAltDelete(): Promise<void> {
    const keys = ['ctrl', 'alt', 'delete'].map((data) => ({ type: 'qcode', data }));
    await this.qmp('send-key', { keys });
  }

  /** From now on a restart of the guest switches the machine off instead, cleanly as it was. */
  async offInsteadOfRestart(): Promise<void> {
    await this.qmp('set-action', { reboot: 'shutdown' });
  }

  /** @throws BulkheadError MACHINE_POWER_OFF_TIMEOUT, MACHINE_CRASHED when QEMU ended in another way */
  async waitForPowerOff(timeout_ms: number): Promise<void> {
    const exit = await Promise.race([this.parts.process.exited, Bun.sleep(timeout_ms)]);
    if (!exit)
      throw await this.fail('MACHINE_POWER_OFF_TIMEOUT', `the machine is still on after ${timeout_ms} ms`);
    if (exit.code !== 0) throw await this.fail('MACHINE_CRASHED', `QEMU ended ${describeExit(exit)}`);
  }

  /**
   * Takes the power away.
   *
   * @param diskCache `kept`: whatever the guest has handed to its disks is on them, as with a disk that has no volatile
   *   cache. `lost`: on a qcow2 disk, writes that the guest did not flush are gone where they needed new space in the file.
   */
  async cutPower(diskCache: 'kept' | 'lost' = 'kept'): Promise<void> {
    // `stop` makes QEMU write out all it holds for the disks. A QEMU that is gone has nothing to write.
    if (diskCache === 'kept' && this.running) await this.qmp('stop').catch(() => {});
    await this.parts.process.kill();
  }

  /** Presses the reset button. */
  async reset(): Promise<void> {
    await this.qmp('system_reset');
  }

  /**
   * Waits for an event of QEMU that no earlier wait has taken: `RESET`, `WATCHDOG`, `SHUTDOWN`, …
   *
   * @throws BulkheadError MACHINE_EVENT_TIMEOUT, MACHINE_EXITED
   */
  async waitForEvent(name: string, timeout_ms: number): Promise<QmpEvent> {
    const deadline = Date.now() + timeout_ms;
    for (;;) {
      const alive = this.running;
      const index = this.events.findIndex(({ event }, at) => at >= this.eventPosition && event === name);
      const found = this.events[index];
      if (found) {
        this.eventPosition = index + 1;
        return found;
      }
      if (!alive) throw await this.fail('MACHINE_EXITED', `the machine went off while waiting for ${name}`);
      if (Date.now() > deadline)
        throw await this.fail('MACHINE_EVENT_TIMEOUT', `no ${name} within ${timeout_ms} ms`);
      await Bun.sleep(POLL_MS);
    }
  }

  /** A command of QEMU's control protocol, for what has no method here. */
  qmp(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return this.parts.qmp.command(command, args);
  }

  /**
   * Writes memory, devices and disks to a folder and switches this machine off; restoreMachine goes on from there,
   * as often as wanted. Disks without `snapshot` are not copied: leave their files alone from here on.
   *
   * @throws BulkheadError MACHINE_SAVE_FAILED, for NVMe disks among others, which QEMU cannot save
   */
  async save(folder: string): Promise<SavedMachine> {
    const { options, disks, variables } = this.parts;
    const { qmp, process, runFolder } = this.parts;
    const saved = await saveState({
      folder,
      options,
      disks,
      variables,
      runFiles: runFolder.files,
      qmp,
      process,
    });
    await this.stop();
    return saved;
  }

  /** Keeps the logs of this run when it stops. A failed wait does so by itself. */
  keepLogs(): void {
    this.failed = true;
  }

  /** Switches off without asking and cleans up. Logs stay if something failed; then their path is printed. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    await this.parts.process.kill();
    this.parts.qmp.close();
    this.parts.runFolder.remove();
    if (this.failed) process.stderr.write(`logs of machine '${this.name}': ${this.logFolder}\n`);
    else if (!this.parts.options.keepLogs) rmSync(this.logFolder, { recursive: true, force: true });
  }

  private checkRunning(): void {
    const { serial } = this.parts.process;
    const finding = findInSerial(
      serial.from(this.serialPosition),
      /(?!)/,
      this.parts.options.expectPanic ?? false,
    );
    if (finding.kind === 'panic') throw this.error('MACHINE_PANIC', `kernel panic: ${finding.line}`);
    if (!this.running) throw this.error('MACHINE_EXITED', 'the machine went off while waiting for an answer');
  }

  /**
   * An error with the end of the console. Screen and processor go into the logs: firmware may have spoken only there, and of a
   * machine that stopped without a word nothing else is left.
   */
  private async fail(code: string, message: string): Promise<BulkheadError> {
    // Both are a help for the reader of the logs; that they cannot be had must not hide the failure itself.
    if (this.running) {
      await this.screenshot(join(this.logFolder, 'screen.png')).catch(() => {});
      const looks = await processorLooks(this.parts.qmp).catch((error: unknown) => describeError(error));
      writeFileSync(join(this.logFolder, 'processor.txt'), looks);
    }
    return this.error(code, message);
  }

  private error(code: string, message: string): BulkheadError {
    this.failed = true;
    const { words, exit, serial } = this.parts.process;
    const end = exit ? `\nQEMU ended ${describeExit(exit)}${words ? `: ${words}` : ''}` : '';
    const lines = serial.lastLines(CONTEXT_LINES);
    return new BulkheadError(
      code,
      `${this.name}: ${message}${end}\n--- last ${CONTEXT_LINES} lines of the console ---\n${lines}`,
      { hint: `everything: ${this.logFolder}` },
    );
  }
}

function describeExit(exit: Exit): string {
  return exit.signal ? `by ${exit.signal}` : `with status ${exit.code}`;
}

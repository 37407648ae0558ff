import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandResult, run } from '../../../base/run.ts';
import type { Status } from '../../../status-page/status.ts';
import { Appliance, HEALTHY_TIMEOUT_MS } from '../fixtures/appliance.ts';
import { BUILD } from '../fixtures/image.ts';
import { installation } from '../fixtures/installed-disk.ts';
import { copyDisk } from '../harness/disk.ts';
import type { Machine } from '../harness/machine.ts';
import type { DiskFile, MachineOptions } from '../harness/options.ts';
import { startMachine } from '../harness/start-machine.ts';

/** The slowest command asked here (`systemd-analyze security` over all units) takes 20 s on a busy machine. */
const COMMAND_TIMEOUT_MS = 120_000;

/** Listening ports of nothing: what is forwarded to prove that it does not answer. */
export const SILENT_PORTS = [8081, 50_052, 5355, 12_345] as const;

/** Where sensors are heard. */
const SENSOR_PORTS = { 8080: 0, 50051: 0 };

/** The router of the machine's network. */
export const ROUTER = '10.0.2.2';

/** Answers on every port that an outbound test asks for: a silence is then the appliance's own. */
export const OUTSIDE = { address: '10.0.2.100', ports: [443, 2525], greeting: 'hello from outside' } as const;

/**
 * One installed appliance that stays on for many tests. Commands share one SSH connection, because a login costs
 * seconds of emulated cryptography and the firewall brakes more than ten a minute.
 */
export class Box {
  private constructor(
    readonly machine: Machine,
    readonly appliance: Appliance,
    private readonly ssh: SshConnection,
    /** Every packet that left or reached the machine. */
    readonly capture: string,
    private readonly folder: string,
    readonly disk: DiskFile,
  ) {}

  /**
   * Starts a copy of the installed disk.
   *
   * @param options what differs from an ordinary machine
   * @param change is let loose on the copy before the machine starts
   */
  static async start(
    name: string,
    options: Partial<MachineOptions> = {},
    change: (path: string) => void = () => {},
  ): Promise<Box> {
    // A socket's name has at most 107 bytes: not below the checkout.
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-box-'));
    mkdirSync(join(BUILD, 'boot-disks'), { recursive: true });
    const path = join(BUILD, 'boot-disks', `${name}-${process.pid}-${Date.now()}.raw`);
    const { disk: installed, sshKey } = installation();
    const disk = await copyDisk(installed, { path, format: 'raw' });
    change(path);
    const capture = join(folder, 'network.pcap');
    const silent = Object.fromEntries(SILENT_PORTS.map((port) => [port, 0]));
    const machine = await startMachine({
      name,
      disks: [disk],
      watchdog: 'i6300esb',
      forwards: { 80: 0, 22: 0, ...SENSOR_PORTS, ...silent },
      network: {
        capture,
        servers: Object.fromEntries(
          OUTSIDE.ports.map((port) => [`${OUTSIDE.address}:${port}`, OUTSIDE.greeting]),
        ),
      },
      ...options,
    });
    const ssh = new SshConnection(machine.hostPort(22), join(folder, 'ssh'), sshKey);
    return new Box(machine, new Appliance(machine), ssh, capture, folder, disk);
  }

  /** Runs shell code as root. @throws Error with everything it said when it does not end with 0 */
  async sh(code: string): Promise<string> {
    const result = await this.try(code);
    if (result.code !== 0)
      throw new Error(`'${code}' ended with ${result.code}: ${result.stdout}${result.stderr}`);
    return result.stdout.trim();
  }

  /** The same for what may fail. 255 is SSH's own failure. */
  try(code: string): Promise<CommandResult> {
    return this.ssh.run(code);
  }

  status(): Promise<Status> {
    return this.appliance.status();
  }

  /** Waits until the page answers with a status that satisfies. */
  async statusWhere(accept: (status: Status) => boolean, timeout_ms = HEALTHY_TIMEOUT_MS): Promise<Status> {
    const answer = await this.machine
      .http(80)
      .waitForHttp('/api/v1/status', (got) => got.status === 200 && accept(got.json() as Status), timeout_ms);
    return answer.json() as Status;
  }

  /** Restarts in an orderly way and waits until the next boot is judged. */
  async restart(): Promise<Status> {
    const { bootId } = (await this.status()).boot;
    await this.sh('systemctl reboot');
    await this.ssh.close();
    return this.statusWhere(({ boot, health }) => boot.bootId !== bootId && health.outcome !== 'pending');
  }

  async stop(): Promise<void> {
    await this.ssh.close();
    await this.machine.stop();
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(this.disk.path, { force: true });
  }
}

/** A login that is made once and shared by every command after it. */
class SshConnection {
  readonly #options: string[];

  constructor(port: number, socket: string, key: string) {
    const settings = [
      ...['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'],
      ...['ConnectTimeout=30', 'ControlMaster=auto', `ControlPath=${socket}`, 'ControlPersist=600'],
      ...['ServerAliveInterval=10', 'ServerAliveCountMax=6'],
    ];
    const options = settings.flatMap((setting) => ['-o', setting]);
    this.#options = ['-F', 'none', '-i', key, ...options, '-p', String(port)];
  }

  run(command: string): Promise<CommandResult> {
    return run('ssh', [...this.#options, 'root@127.0.0.1', command], { timeout_ms: COMMAND_TIMEOUT_MS });
  }

  /** Ends the shared connection; the next command makes a new one. No connection is no failure. */
  async close(): Promise<void> {
    await run('ssh', [...this.#options, '-O', 'exit', 'root@127.0.0.1']);
  }
}

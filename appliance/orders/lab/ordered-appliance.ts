import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../../../base/errors.ts';
import { readBoot } from '../../../health-gate/boot-reading.ts';
import { collectMachineFacts } from '../../../health-gate/collect-machine-facts.ts';
import { readJournal } from '../../../health-gate/verdict-journal.ts';
import { exampleFingerprint } from '../../../protocol/messages/example-fingerprint.ts';
import { jsonFile } from '../../../updater/state/json-file.ts';
import type { FactPaths } from '../../facts/fact-context.ts';
import type { FingerprintSource, Outbox } from '../../link/interfaces.ts';
import { PowerAnswer } from '../../power/request.ts';
import { type PowerTools, servePower } from '../../power/serve.ts';
import { callSite } from '../../site/control/client.ts';
import { concludePending } from '../../update/conclude.ts';
import { ApplianceLab } from '../../update/lab/appliance-lab.ts';
import { serveRequest } from '../../update/serve-request.ts';
import { fetchRules } from '../fetch-rules.ts';
import type { OrderPaths } from '../order-paths.ts';
import { type Orders, startOrders } from '../start.ts';

/** The lab of the updater with an agent that does orders, and with the units of root that answer it. */
export class OrderedAppliance {
  readonly lab = new ApplianceLab();
  readonly paths: OrderPaths;
  readonly warnings: string[] = [];
  restarts = 0;
  coordinatorUrl: URL | null = null;
  #orders: Orders | undefined;
  #power: PowerTools;
  readonly #folder: string;

  /** @param folder of the agent, which outlives its processes */
  constructor(folder: string) {
    this.#folder = folder;
    const at = (path: string) => this.lab.machine.at(path);
    this.paths = {
      updateRequest: this.lab.tools.paths.agentRequest,
      takenRequest: at('data/update/request.json'),
      powerRequest: at('run/power-request.json'),
      powerAnswer: at('run/power-answer.json'),
      clockSynchronised: this.lab.tools.paths.clockSynchronised,
    };
    this.#power = {
      update: this.lab.tools,
      requestFile: this.paths.powerRequest,
      answer: jsonFile(this.paths.powerAnswer, PowerAnswer, 'the answer'),
    };
  }

  /** Where the service of the site answers, when a test starts it. */
  get siteSocket(): string {
    return join(this.#folder, 'site.sock');
  }

  get orders(): Orders {
    if (!this.#orders) throw new Error('the agent does not run');
    return this.#orders;
  }

  /** The release that runs; told once, when somebody listens. */
  readonly fingerprint: FingerprintSource = {
    current: async () => {
      const image_version = this.lab.versionOf(this.lab.running);
      return exampleFingerprint({ image_version, active_slot: this.lab.running });
    },
    subscribe: (listener) => {
      void this.fingerprint.current().then((fingerprint) => listener({ fingerprint, reason: 'startup' }));
      return () => undefined;
    },
  };

  /** Starts the agent. */
  start(outbox: Outbox): void {
    const { tools } = this.lab;
    this.#orders = startOrders({
      ...{ folder: this.#folder, outbox, facts: this.#facts(), paths: this.paths },
      ...{ coordinatorUrl: this.coordinatorUrl, loadConfig: tools.config, run: tools.slots.run },
      fingerprint: this.fingerprint,
      probe: async () => ({ reachable: true }),
      restart: () => {
        this.restarts += 1;
      },
      ...{ uptime_s: () => 1, now: () => this.lab.now, steady_ms: () => this.lab.now.getTime() },
      warn: (message) => this.warnings.push(message),
      note: () => undefined,
      site: (path, call) => callSite(path, { ...call, socket: this.siteSocket }),
      fetchRules: () => fetchRules(this.coordinatorUrl ?? new URL('https://localhost'), null),
    });
  }

  async stop(): Promise<void> {
    await this.#orders?.stop();
    this.#orders = undefined;
  }

  /** What the units of root do when a request lies there. @returns what was refused */
  async serve(): Promise<string | null> {
    const { tools, io } = this.lab;
    try {
      await serveRequest(tools, io);
      await servePower(this.#power);
      return null;
    } catch (error) {
      return describeError(error);
    } finally {
      await this.publish();
    }
  }

  /** A boot to its verdict: another one of the kernel, the gate, what becomes of an update; the agent has to be started. */
  async boot(outcome: 'healthy' | 'unhealthy' = 'healthy'): Promise<void> {
    await this.stop();
    await this.lab.boot();
    await this.lab.judge(outcome);
    if (outcome === 'healthy') await concludePending(this.lab.tools);
    await this.publish();
  }

  /** What the gate publishes for the agent. */
  async publish(): Promise<void> {
    const { machine, now, tools } = this.lab;
    const facts = await collectMachineFacts(await readBoot(machine.paths), machine.paths.sysFolder, now);
    machine.write('run/machine.json', JSON.stringify(facts));
    const { verdicts } = await readJournal(tools.paths.verdictJournal);
    machine.write('run/health.json', JSON.stringify(verdicts.at(-1)));
  }

  sizeOf(bundle: string): number {
    return statSync(this.lab.machine.at(bundle)).size;
  }

  #facts(): FactPaths {
    const { machine, tools } = this.lab;
    const at = (path: string) => machine.at(path);
    return {
      ...{ proc: at('proc'), sys: at('sys'), run: at('run'), etc: at('etc'), dataMount: at('data') },
      imageInfoFile: machine.paths.imageInfoFile,
      initrdReportFile: machine.paths.initrdReportFile,
      machineFactsFile: machine.paths.machineFactsFile,
      healthFile: machine.paths.healthFile,
      firewallFactsFile: machine.paths.firewallFactsFile,
      verdictJournalFile: tools.paths.verdictJournal,
      deviceKeyFile: at('data/identity/device.key'),
      criticalUnitsFile: at('usr/critical-units'),
      setupFactsFile: at('run/setup.json'),
      secretsFactsFile: at('run/secrets.json'),
      updateProgressFile: at('run/update.json'),
      pendingUpdateFile: at('data/update/pending.json'),
      updateHistoryFile: tools.paths.history,
      rejectedReleasesFile: at('data/update/rejected.json'),
    };
  }
}

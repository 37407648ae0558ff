import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../../base/errors.ts';
import { run } from '../../../base/run.ts';
import type { Rule } from '../../../protocol/healing/rule.ts';
import type { EvidenceEntry, EvidenceLog } from '../../evidence/entry.ts';
import type { Detection } from '../../findings/detection.ts';
import { createFindings, type Findings } from '../../findings/findings.ts';
import { exampleDetection, NOON_S } from '../../findings/lab/detections.ts';
import { FINDINGS_PART } from '../../findings/tables.ts';
import { openSiteStore, type SiteStore } from '../../site/store/store.ts';
import type { HealingMode, SubjectFacts } from '../decide/decide.ts';
import { type HealingEngine, startEngine } from '../engine/engine.ts';
import type { Healing } from '../engine/healing-record.ts';
import { HEALING_PART } from '../engine/tables.ts';
import type { OpenedTarget } from '../target.ts';
import { exampleRule } from './example-rule.ts';

/** Healing on a real store and real findings, with a machine that is a file and actions that are programs. For tests. */

/** Evidence that can be full, and is read again. */
export class KeptEvidence implements EvidenceLog {
  readonly entries: EvidenceEntry[] = [];
  full = false;

  async append(entries: readonly EvidenceEntry[]) {
    if (this.full) throw new BulkheadError('EVIDENCE_FULL', 'there is no room');
    this.entries.push(...entries);
    return this.head();
  }

  head() {
    return { seq: this.entries.length, hash: '' };
  }

  kinds(): string[] {
    return this.entries.map(({ kind }) => kind);
  }
}

export const MACHINE = 't-box';

/** A machine whose firewall is on while a file is there. What its action does is a program that the test chooses. */
export class FileMachine implements OpenedTarget {
  readonly name = MACHINE;
  readonly platform = 'linux';
  readonly looks = 'when_asked';
  look_timeout_s = 5;
  /** What `act` runs; it says of itself what its exit status says. */
  program: readonly [string, ...string[]];
  readonly #file: string;
  readonly #now_s: () => number;
  acts = 0;
  /** Called when an action begins. */
  began: () => void = () => {};

  constructor(folder: string, now_s: () => number) {
    this.#file = join(folder, 'firewall-is-on');
    this.#now_s = now_s;
    this.program = ['touch', this.#file];
  }

  on(): void {
    writeFileSync(this.#file, '');
  }

  async off(): Promise<void> {
    await run('rm', ['-f', this.#file]);
  }

  async detect(check_type: string): Promise<Detection> {
    const passed = existsSync(this.#file);
    const at_s = this.#now_s();
    return exampleDetection({ subject: MACHINE, check_type, passed, actual: passed ? 'on' : 'off', at_s });
  }

  async act() {
    this.acts += 1;
    this.began();
    const [program, ...args] = this.program;
    const { code, stderr } = await run(program, args);
    return { claimed: code === 0, output: stderr };
  }

  async settled(): Promise<void> {}
  async close(): Promise<void> {}
}

export class HealingLab {
  readonly folder: string;
  readonly evidence = new KeptEvidence();
  readonly warnings: string[] = [];
  readonly machine: FileMachine;
  store: SiteStore;
  findings: Findings;
  engine: HealingEngine;
  now_s = NOON_S;
  mode: HealingMode = 'on';
  rules: Rule[] = [exampleRule()];
  subject: SubjectFacts | null = { platform: 'linux', tier: 'self_heal', reachable: true };
  open: (healing: Healing) => Promise<OpenedTarget> = async () => this.machine;

  constructor(folder: string) {
    this.folder = folder;
    this.machine = new FileMachine(this.folder, () => this.now_s);
    [this.store, this.findings, this.engine] = this.#start();
  }

  /** Looks at the machine as its poller would, and waits until what follows is over. */
  async look(after_s = 0): Promise<void> {
    this.now_s += after_s;
    await this.findings.record([await this.machine.detect('firewall')]);
    await this.rest();
  }

  /** Until nothing is under way. */
  async rest(): Promise<void> {
    do await Bun.sleep(5);
    while (this.engine.running() > 0);
  }

  states(): string[] {
    return this.engine.journal
      .latest({})
      .map(({ state }) => state)
      .reverse();
  }

  /** As after a crash: what was under way is lost, what is on the disk is there. */
  async restart(): Promise<void> {
    await this.stop();
    [this.store, this.findings, this.engine] = this.#start();
    await this.rest();
  }

  async stop(): Promise<void> {
    await this.engine.stop();
    this.findings.stop();
    this.store.stop();
  }

  #start(): [SiteStore, Findings, HealingEngine] {
    const warn = (message: string) => this.warnings.push(message);
    const parts = [FINDINGS_PART, HEALING_PART];
    const store = openSiteStore({ file: join(this.folder, 'site.db'), parts, warn });
    const findings = createFindings({ store, now_ms: () => this.now_s * 1000, warn });
    const engine = startEngine({
      ...{ store, findings, evidence: this.evidence, rules: () => this.rules, mode: () => this.mode, warn },
      ...{ subject: () => this.subject, open: (healing) => this.open(healing), now_s: () => this.now_s },
      note: () => {},
    });
    return [store, findings, engine];
  }
}

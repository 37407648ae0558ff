import { describeError } from '../../base/errors.ts';
import type { ComplianceReport, RatePoint } from '../../status-page/compliance/report.ts';
import type { Detection } from '../findings/detection.ts';
import type { Findings } from '../findings/findings.ts';
import type { SiteStore } from '../site/store/store.ts';
import { type Assessment, assess, assessOne } from './assess.ts';
import { buildReport } from './build-report.ts';
import { APPLIANCE, type Recorded, toDetection, worthRecording } from './detections.ts';
import { REPORT_DAYS } from './limits.ts';
import type { Sight } from './look/sight.ts';
import { assessMachines, type Machine, type MachineResult, machinesOf, targetsOf } from './machines.ts';
import { controlOfCheck } from './register/register.ts';
import { type History, hourOf, readHistory, writeSamples } from './samples.ts';
import { isDue } from './schedule.ts';
import { countScopes } from './scopes.ts';
import { changedStandings, readStandings, type Standing, writeStandings } from './states.ts';
import { type Counts, countStates, tallyOf } from './tally.ts';

/** What compliance needs from the rest of the site. */
export interface ComplianceParts {
  /** With COMPLIANCE_PART among its parts. */
  store: SiteStore;
  findings: Pick<Findings, 'record' | 'checks' | 'open'>;
  /** Sees everything once. Never rejects. */
  look: () => Promise<Sight>;
  /** Sensors that are watched now, the revoked left out; null: everybody who has ever said something. Targets count while they are looked at. */
  machines: (() => readonly Machine[]) | null;
  hostname: () => string;
  /** Puts the numbers of an hour on record as evidence; null: there is no evidence log. */
  sampled: ((body: SampleEvidence) => Promise<unknown>) | null;
  now_ms: () => number;
  warn: (message: string) => void;
}

/** The body of a `compliance.sampled`. */
export interface SampleEvidence {
  [name: string]: string | number | string[];
  /** RFC 3339. */
  hour: string;
  holds: number;
  fails: number;
  unknown: number;
  justified: number;
  not_applicable: number;
  /** Controls of the appliance that fail or are unknown. */
  failing: string[];
}

/** One look, with everything that is said because of it. */
export interface Run {
  report: ComplianceReport;
  assessment: Assessment;
  machines: readonly MachineResult[];
}

export interface Compliance {
  /** Looks now. Who asks while somebody looks gets what that one sees. */
  run(): Promise<Run>;
  /**
   * What was seen last. Before the first look of this process it looks, and puts nothing on record: right after a boot root has not looked
   * yet, and that is no finding.
   */
  latest(): Promise<Run>;
  history(query: History): RatePoint[];
  /** One check of the appliance, measured now and not recorded: the second look of a healing. null: there is no such check. */
  detect(check_type: string): Promise<Detection | null>;
  stop(): Promise<void>;
}

const TICK_MS = 15_000;
const DAY_S = 86_400;

/** Looks every CHECK_INTERVAL_S, and says what it saw: detections, samples, evidence, a report. */
export function createCompliance(parts: ComplianceParts): Compliance {
  const { store, findings, now_ms, warn } = parts;
  const started_ms = now_ms();
  const recorded = new Map<string, Recorded>();
  const standings = readStandings(store.database);
  let sampledHour_s: number | null = null;
  let last: Run | null = null;
  let seen_ms: number | null = null;
  let running: Promise<Run> | null = null;
  let peeking: Promise<Run> | null = null;

  const attempt = async (what: string, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      warn(`${what}: ${describeError(error)}`);
      return false;
    }
  };

  const record = async ({ results, at_ms }: Assessment) => {
    const at_s = Math.floor(at_ms / 1000);
    const worth = worthRecording(results, recorded, at_s);
    if (worth.length === 0) return;
    const hostname = parts.hostname();
    const done = await attempt('the results of compliance are not recorded', () =>
      findings.record(worth.map((result) => toDetection(result, at_s, hostname))),
    );
    if (!done) return;
    for (const { control, state, seen } of worth) recorded.set(control.id, { state, seen, at_s });
  };

  const keepStandings = async ({ results, at_ms }: Assessment) => {
    const changed = changedStandings(
      standings,
      results.map(({ control, state }) => [control.id, state]),
      at_ms,
    );
    if (changed.size === 0) return;
    for (const [control, standing] of changed) standings.set(control, standing);
    await attempt('since when controls are as they are is not recorded', () =>
      writeStandings(store, changed),
    );
  };

  const sample = async (assessment: Assessment, scopes: ReadonlyMap<string, Counts>) => {
    const hour_s = hourOf(assessment.at_ms);
    const kept = await attempt('the rates of compliance are not recorded', () =>
      writeSamples(store, hour_s, scopes),
    );
    if (!kept || sampledHour_s === hour_s || parts.sampled === null) return;
    const { sampled } = parts;
    const done = await attempt('the rates of compliance are not in evidence', () =>
      sampled(evidenceOf(hour_s, assessment)),
    );
    if (done) sampledHour_s = hour_s;
  };

  const look = async (onRecord: boolean): Promise<Run> => {
    const assessment = assess(await parts.look());
    if (onRecord) await record(assessment);
    const machines = seeMachines(parts, assessment.at_ms);
    const scopes = countScopes(assessment, machines);
    if (onRecord) {
      seen_ms = assessment.at_ms;
      await keepStandings(assessment);
      await sample(assessment, scopes);
    }
    last = { report: makeReport(parts, assessment, machines, scopes, standings), assessment, machines };
    return last;
  };

  const run = () => {
    running ??= look(true).finally(() => {
      running = null;
    });
    return running;
  };
  const peek = () => {
    peeking ??= look(false).finally(() => {
      peeking = null;
    });
    return peeking;
  };

  const tick = async () => {
    if (running !== null || !isDue({ now_ms: now_ms(), started_ms, seen_ms })) return;
    await attempt('compliance was not looked at', run);
  };
  const timer = setInterval(() => void tick(), TICK_MS);

  return {
    run,
    latest: async () => last ?? running ?? peek(),
    history: (query) => readHistory(store.database, query),
    async detect(check_type) {
      const control = controlOfCheck(APPLIANCE, check_type);
      if (control === undefined) return null;
      const sight = await parts.look();
      const result = assessOne(control, sight, sight.root?.justifications ?? []);
      return toDetection(result, Math.floor(sight.at_ms / 1000), parts.hostname());
    },
    async stop() {
      clearInterval(timer);
      // What is under way ends by itself, and the store is closed behind it.
      await running?.catch(() => undefined); // whoever asked was told
    },
  };
}

function seeMachines({ findings, machines }: ComplianceParts, at_ms: number): MachineResult[] {
  const checks = findings.checks({}).filter(({ subject }) => subject !== APPLIANCE);
  const details = new Map(findings.open().map((finding) => [finding.id, finding]));
  const now_s = Math.floor(at_ms / 1000);
  const listed = machines === null ? machinesOf(checks) : [...machines(), ...targetsOf(checks, now_s)];
  return assessMachines(listed, checks, details, now_s);
}

function makeReport(
  { findings, store, hostname }: ComplianceParts,
  assessment: Assessment,
  machines: readonly MachineResult[],
  scopes: ReadonlyMap<string, Counts>,
  standings: ReadonlyMap<string, Standing>,
): ComplianceReport {
  const until_s = hourOf(assessment.at_ms);
  const history = readHistory(store.database, {
    ...{ scope: 'appliance', from_s: until_s - REPORT_DAYS * DAY_S, until_s, step: 'day' },
  });
  return buildReport({
    ...{ assessment, machines, scopes, standings, history },
    findings: findings.open(),
    hostname: hostname(),
  });
}

function evidenceOf(hour_s: number, { results }: Assessment): SampleEvidence {
  const { rate: _, strict_rate: __, ...counts } = tallyOf(countStates(results.map(({ state }) => state)));
  return {
    hour: new Date(hour_s * 1000).toISOString(),
    ...counts,
    failing: results.flatMap(({ control, state }) =>
      state === 'fails' || state === 'unknown' ? [control.id] : [],
    ),
  };
}

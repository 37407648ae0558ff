import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@logtape/logtape';
import type { AnyElysia } from 'elysia';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { COMPLIANCE_FACTS_FILE } from '../../base/paths.ts';
import { run } from '../../base/run.ts';
import { VERSION } from '../../base/version.ts';
import { type Compliance, createCompliance } from '../compliance/compliance.ts';
import { complianceControl } from '../compliance/control.ts';
import { look } from '../compliance/look/look.ts';
import { COMPLIANCE_PART } from '../compliance/samples.ts';
import { evidenceControl } from '../evidence/control.ts';
import { type Evidence, openEvidence } from '../evidence/evidence.ts';
import type { EvidenceKey } from '../evidence/key.ts';
import { APPLIANCE_PATHS } from '../facts/fact-context.ts';
import { findingsControl } from '../findings/control.ts';
import type { Detection } from '../findings/detection.ts';
import { createFindings, type Findings } from '../findings/findings.ts';
import { FINDINGS_PART } from '../findings/tables.ts';
import { createWitness, WITNESS_PART } from '../findings/witness.ts';
import { HEALING_PART } from '../healing/engine/tables.ts';
import { createHealing } from '../healing/healing.ts';
import { startTargets } from '../healing/targets/start-targets.ts';
import { createAdmission } from '../sensors/admission/admission.ts';
import { admittedElsewhere } from '../sensors/admission/admitted-elsewhere.ts';
import { ADMISSION_PART } from '../sensors/admission/tables.ts';
import { createCommands } from '../sensors/commands/create-commands.ts';
import { COMMANDS_PART } from '../sensors/commands/results-table.ts';
import { sensorsControl } from '../sensors/control.ts';
import type { ConnectionLimits } from '../sensors/grpc/listener.ts';
import { serveSensorGrpc } from '../sensors/grpc/server.ts';
import { createSensorApi } from '../sensors/http/app.ts';
import { HTTP_KEYS_PART } from '../sensors/http/keys.ts';
import { serveSensorApi } from '../sensors/http/serve.ts';
import { openAuthority } from '../sensors/pki/authority.ts';
import { createOffers } from '../sensors/programs/offers.ts';
import { createSensorPrograms } from '../sensors/programs/program-folder.ts';
import { underOwnName } from '../sensors/registry/own-name.ts';
import { createRegistry, type SensorRegistry } from '../sensors/registry/registry.ts';
import { SENSORS_PART } from '../sensors/registry/tables.ts';
import type { SiteConfig } from './site-config.ts';
import { openSiteStore, type SiteStore } from './store/store.ts';

/** One of the things that the service is made of. */
export interface SitePart {
  /** Its routes on the control socket. */
  control?: AnyElysia;
  stop(): Promise<void>;
}

export interface SiteParts {
  /** Where it keeps what it keeps. */
  folder: string;
  /** What evidence is signed with. */
  evidenceKey: EvidenceKey;
  config: SiteConfig;
  /** Where root puts the programs that sensors are offered. */
  sensorPrograms: string;
  /** Instead of the ports, the address and the share of an appliance: where all sensors come from one machine. */
  sensorPorts?: { grpc: number; http: number; host: string; limits?: ConnectionLimits };
  now: () => Date;
  log: Logger;
  /** It cannot go on, and has to be started anew. */
  onFailure?: () => void;
}

/** What the parts before have left for those after them. */
interface Ground {
  store: SiteStore;
  evidence: Evidence;
  findings: Findings;
}

/** In an order in which each finds those it refers to. */
const TABLES = [
  ...[FINDINGS_PART, WITNESS_PART, SENSORS_PART, ADMISSION_PART, COMMANDS_PART],
  ...[HTTP_KEYS_PART, HEALING_PART, COMPLIANCE_PART],
];

/**
 * Starts everything, ports last: who is heard is heard by a service that can record it.
 *
 * @param started gets each part as it has started, so that the caller stops them when a later one cannot start
 * @throws BulkheadError of the part that could not start
 */
export async function startParts(
  parts: SiteParts,
  started: SitePart[],
  statusControl: (store: SiteStore) => AnyElysia,
): Promise<void> {
  const ground = await layGround(parts, started, statusControl);
  const { store, evidence, findings } = ground;
  const { now, log } = parts;
  const warn = (message: string) => log.warn`${message}`;
  const now_ms = () => now().getTime();
  const registry = createRegistry({ store, now, warn });
  started.push({ stop: () => registry.stop() });
  const compliance = startCompliance(parts, ground, registry);
  started.push({ control: complianceControl(compliance, now_ms), stop: () => compliance.stop() });

  const targets = await startTargets({ configs: parts.config.targets, findings, now, warn });
  started.push(targets);
  const commands = createCommands({ store, registry, now_ms, warn });
  started.push(
    createHealing({
      ...{ store, findings, evidence, configured: parts.config.healing.mode, now, warn },
      sensors: { find: (id) => registry.find(id), list: () => registry.list(), commands },
      machine: targets.machine,
      lookAtAppliance: (check_type) => lookAgain(compliance, check_type),
      note: (message) => log.info`${message}`,
    }),
  );

  const admission = createAdmission({
    ...{ store, registry, evidence, now_ms, warn },
    onElsewhere: (sensor, from, to) =>
      void findings
        .record([admittedElsewhere(sensor, from, to, now_ms())])
        .catch((error: unknown) =>
          warn(`that ${sensor.id} was let in twice is no finding: ${describeError(error)}`),
        ),
  });
  if (!parts.config.sensors.enabled) return;
  const reported: Findings = {
    ...findings,
    record: (detections, closes_as) =>
      findings.record(
        detections.map((detection) => underOwnName(detection, registry.list())),
        closes_as,
      ),
  };
  mkdirSync(join(parts.folder, 'pki'), { recursive: true, mode: 0o700 });
  const authority = await openAuthority(join(parts.folder, 'pki'), now);
  const { grpc, http, host, limits } = parts.sensorPorts ?? {};
  const programs = createSensorPrograms({ folder: parts.sensorPrograms, now_ms, warn });
  const api = createSensorApi({
    ...{ store, findings: reported, registry, commands, admission, programs, now_ms, onFault: warn },
    knownHosts: () => parts.config.targets.map(({ name }) => ({ hostname: name })),
  });
  const server = serveSensorApi(api, {
    ...(http === undefined ? {} : { port: http }),
    ...(host === undefined ? {} : { hostname: host }),
  });
  started.push({ stop: () => server.stop() });
  const service = await serveSensorGrpc({
    ...{ authority, registry, admission, commands, findings: reported, evidence, now, warn },
    offer: createOffers({ programs, port: server.port, now_ms }),
    serving: () => store.state().refused === null,
    ...(grpc === undefined ? {} : { port: grpc }),
    ...(host === undefined ? {} : { host }),
    ...(limits === undefined ? {} : { limits }),
  });
  const control = sensorsControl({ admission, authority, registry, evidence, programs });
  started.push({ control, stop: () => service.stop() });
}

async function layGround(
  { folder, evidenceKey, now, log, onFailure }: SiteParts,
  started: SitePart[],
  statusControl: (store: SiteStore) => AnyElysia,
): Promise<Ground> {
  const warn = (message: string) => log.warn`${message}`;
  const store = openSiteStore({ file: join(folder, 'site.db'), parts: TABLES, warn });
  started.push({ control: statusControl(store), stop: async () => store.stop() });

  const evidence = await openEvidence({
    ...{ folder: join(folder, 'evidence'), key: evidenceKey, now, warn },
    random: (size_bytes) => crypto.getRandomValues(new Uint8Array(size_bytes)),
    ...(onFailure === undefined ? {} : { onFailure }),
  });
  started.push({ control: evidenceControl(evidence), stop: () => evidence.stop() });
  await evidence.append([{ kind: 'site.started', body: { version: VERSION } }]);

  const findings = createFindings({ store, now_ms: () => now().getTime(), warn });
  const witness = createWitness({ store, findings, evidence, warn });
  started.push({
    control: findingsControl(findings),
    stop: async () => {
      await witness.stop();
      findings.stop();
    },
  });
  void witness.tell();
  return { store, evidence, findings };
}

function startCompliance(parts: SiteParts, ground: Ground, registry: SensorRegistry): Compliance {
  const { now, log } = parts;
  const { store, findings, evidence } = ground;
  const warn = (message: string) => log.warn`${message}`;
  const machines = () =>
    registry
      .list()
      .filter(({ revoked_at }) => revoked_at === null)
      .map(({ id, hostname, last_heard_at }) => ({
        ...{ subject: id, hostname },
        heard_s: last_heard_at === null ? null : Math.floor(Date.parse(last_heard_at) / 1000),
      }));
  return createCompliance({
    ...{ store, findings, machines, hostname, warn, now_ms: () => now().getTime() },
    look: () =>
      look({
        ...{ paths: APPLIANCE_PATHS, rootSightFile: COMPLIANCE_FACTS_FILE, run, now, warn },
        evidence: () => evidenceState(evidence),
      }),
    sampled: (body) => evidence.append([{ kind: 'compliance.sampled', body }]),
  });
}

function evidenceState(evidence: Evidence) {
  const failure = evidence.failure();
  const { seq } = evidence.head();
  return {
    whole: failure === null,
    message: failure ?? `${seq} records, each with the hash of the one before`,
    countersigned_at: evidence.checkpoints.last()?.noted_at ?? null,
  };
}

async function lookAgain(compliance: Compliance, check_type: string): Promise<Detection> {
  const detection = await compliance.detect(check_type);
  if (detection) return detection;
  throw new BulkheadError('COMPLIANCE_CONTROL_UNKNOWN', `nobody knows how to look at '${check_type}'`);
}

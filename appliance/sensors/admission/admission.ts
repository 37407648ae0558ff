import { BulkheadError, describeError } from '../../../base/errors.ts';
import type { EvidenceLog } from '../../evidence/entry.ts';
import type { SiteStore } from '../../site/store/store.ts';
import type { SensorRegistry } from '../registry/registry.ts';
import type { Admitter, CapabilityTier, Sensor } from '../registry/sensor.ts';
import { AddressGuard, addressKey } from './address-guard.ts';
import { elsewhereTeller, type OnElsewhere } from './admitted-elsewhere.ts';
import { ConsoleCode } from './console-code.ts';
import { decideAdmission, type WaitingRow } from './decide.ts';
import {
  BLOCKS_RECORDED_PER_HOUR,
  CODE_AGE_MS,
  CODES_MAX,
  SHOWN_DIGITS,
  WAITING_MAX,
  WAITING_PER_ADDRESS_MAX,
} from './limits.ts';
import { type AdmissionPlea, assertPlea, newSensor } from './plea.ts';
import { refusal, unknownCode } from './refusals.ts';
import { claimHash, codeHash, makeCode, shownFingerprint } from './secrets.ts';
import {
  countOpenCodes,
  findCode,
  findWaiting,
  forgetOld,
  insertCode,
  insertWaiting,
  judgeWaiting,
  listWaiting,
  useCode,
} from './tables.ts';

export type { AdmissionPlea };

export type AdmissionAnswer =
  | { outcome: 'admitted'; sensor: Sensor }
  | {
      outcome: 'waiting';
      /** Shown to who approves. */
      fingerprint: string;
    };

/** Somebody who waits, as people see it. Everything but fingerprint and address is what it says of itself. */
export interface Waiting {
  fingerprint: string;
  way: string;
  address: string;
  hostname: string;
  os_version: string;
  agent_version: string;
  since: string;
  approved: boolean;
}

export interface Approval {
  /** Digits of the fingerprint, at least those that are shown. */
  fingerprint: string;
  by: Exclude<Admitter, 'code'>;
  tier: CapabilityTier;
  /** Asked for where the status page approves. */
  console_code?: string;
}

export interface SensorAdmission {
  /**
   * Decides about somebody who has no certificate and no key yet.
   *
   * @throws BulkheadError SENSOR_BLOCKED, SENSOR_CODE_UNKNOWN, SENSOR_REFUSED, SENSOR_CLAIM_MISSING, SENSOR_CLAIM_INVALID,
   *   SENSOR_FIELD, SENSOR_WAITING_FULL, SENSORS_MAX, and what store and evidence throw
   */
  admit(plea: AdmissionPlea): Promise<AdmissionAnswer>;
  /** A one-time code; it is shown now and never again. @throws BulkheadError SENSOR_CODES_MAX */
  makeCode(made_by: string, tier: CapabilityTier): Promise<{ code: string; expires_at: string }>;
  waiting(): Waiting[];
  /** @throws BulkheadError SENSOR_NOT_WAITING, SENSOR_CONSOLE_CODE, SENSOR_CONSOLE_LOCKED */
  approve(approval: Approval): Promise<Waiting>;
  /** @throws BulkheadError SENSOR_NOT_WAITING */
  refuse(fingerprint: string, by: string): Promise<Waiting>;
  /** The digits for the console. */
  consoleCode(): string;
}

export interface AdmissionParts {
  /** With the tables of ADMISSION_PART. */
  store: SiteStore;
  registry: SensorRegistry;
  evidence: Pick<EvidenceLog, 'append'>;
  now_ms: () => number;
  /** Told what went wrong where nobody waits for an answer. */
  warn: (message: string) => void;
  onElsewhere?: OnElsewhere;
}

export function createAdmission(parts: AdmissionParts): SensorAdmission {
  const { store, registry, evidence, now_ms, warn } = parts;
  const tellElsewhere = elsewhereTeller(parts);
  const guard = new AddressGuard();
  const consoleCode = new ConsoleCode();
  const asked = new Map<string, number>();
  let blocks: number[] = [];

  const failed = (address: string, reason: string) => {
    if (!guard.failed(address, now_ms())) return;
    warn(`${address} has failed too often and is not listened to for a while`);
    blocks = blocks.filter((at_ms) => now_ms() - at_ms < 3_600_000);
    if (blocks.length >= BLOCKS_RECORDED_PER_HOUR) return;
    blocks.push(now_ms());
    evidence
      .append([{ kind: 'sensor.refused', body: { address, reason, blocked: true } }])
      .catch((error: unknown) => warn(`a refusal is not on record: ${describeError(error)}`));
  };

  const putOnList = async (plea: AdmissionPlea, claim: string): Promise<AdmissionAnswer> => {
    const now = now_ms();
    asked.set(claim, now);
    await store.write((file) => {
      forgetOld(file, now, (known) => asked.get(known));
      if (findWaiting(file, claim)) return;
      const open = listWaiting(file).filter(({ verdict }) => verdict !== 'admitted');
      const near = open.filter(({ address }) => addressKey(address) === addressKey(plea.address));
      const full = open.length >= WAITING_MAX || near.length >= WAITING_PER_ADDRESS_MAX;
      // Whoever makes a claim whose shown digits are another's wants to be approved in its place.
      const taken = open.some((row) => shownFingerprint(row.claim) === shownFingerprint(claim));
      if (full || taken)
        throw new BulkheadError('SENSOR_WAITING_FULL', 'too many wait to be let in already', {
          hint: "ask for a one-time code ('bulkhead sensors code'), or come again tomorrow",
        });
      const { way, address, hostname, os_version, agent_version } = plea;
      const none = { verdict_ms: null, verdict_by: null, tier: null, sensor: null };
      const said = { way, address, hostname, os_version, agent_version };
      insertWaiting(file, { claim, ...said, first_ms: now, verdict: 'waiting', ...none });
    }, 512);
    // Only those who wait are remembered.
    const listed = new Set(listWaiting(store.database).map((row) => row.claim));
    for (const known of asked.keys()) if (!listed.has(known)) asked.delete(known);
    return { outcome: 'waiting', fingerprint: shownFingerprint(claim) };
  };

  const letIn = async (
    plea: AdmissionPlea,
    by: Admitter,
    tier: CapabilityTier,
    { code, claim }: { code: string | null; claim: string | null },
  ): Promise<AdmissionAnswer> => {
    const now = now_ms();
    const sensor = newSensor(plea, by, tier, now);
    const { id, hostname, way, os_version, mac_address } = sensor;
    // On record first: what cannot be recorded must not happen.
    await evidence.append([
      {
        kind: 'sensor.admitted',
        body: { sensor: id, hostname, way, by, tier, os_version, mac_address, address: plea.address },
      },
    ]);
    try {
      await registry.add(sensor, (file) => {
        const { address } = plea;
        const to = {
          verdict: 'admitted',
          verdict_ms: now,
          verdict_by: by,
          tier,
          sensor: id,
          address,
        } as const;
        const fresh =
          code !== null
            ? useCode(file, code, { ms: now, sensor: id, claim, address })
            : claim !== null && judgeWaiting(file, claim, ['approved'], to);
        if (!fresh) throw unknownCode();
      });
    } catch (error) {
      const body = { sensor: id, address: plea.address, reason: describeError(error) };
      await evidence.append([{ kind: 'sensor.refused', body }]);
      throw error;
    }
    return { outcome: 'admitted', sensor };
  };

  /** @throws BulkheadError SENSOR_NOT_WAITING */
  const oneWaiting = (digits: string): WaitingRow => {
    const form = /^[0-9a-f]+$/.test(digits) && digits.length >= SHOWN_DIGITS;
    const [row, another] = listWaiting(store.database).filter(
      ({ claim, verdict }) => form && verdict !== 'admitted' && claim.startsWith(digits),
    );
    if (row && !another) return row;
    throw new BulkheadError('SENSOR_NOT_WAITING', `nobody waits under ${digits.slice(0, 64)}`, {
      hint: "'bulkhead sensors waiting' lists them; the sensor shows the same digits",
    });
  };

  return {
    async admit(plea) {
      assertPlea(plea);
      guard.assertOpen(plea.address, now_ms());
      const code = plea.code === null ? null : codeHash(plea.code);
      const claim = plea.claim === null ? null : claimHash(plea.claim);
      const decided = decideAdmission({
        ...{ now_ms: now_ms(), code, claim },
        code_row: code === null ? null : findCode(store.database, code),
        waiting_row: claim === null ? null : findWaiting(store.database, claim),
        heard: (id) => isHeard(registry.find(id)),
      });
      switch (decided.verdict) {
        case 'admit':
          return letIn(plea, decided.by, decided.tier, { code, claim });
        case 'again': {
          const sensor = registry.find(decided.sensor);
          if (sensor === null) throw refusal('SENSOR_REFUSED');
          await tellElsewhere(sensor, decided.from, plea.address);
          return { outcome: 'admitted', sensor };
        }
        case 'wait':
          return putOnList(plea, claim ?? '');
        case 'refuse':
          if (decided.failure) failed(plea.address, 'a code that is not known, was used, or is too old');
          throw refusal(decided.code);
      }
    },
    async makeCode(made_by, tier) {
      const code = makeCode();
      const made_ms = now_ms();
      await store.write((file) => {
        forgetOld(file, made_ms, (claim) => asked.get(claim));
        if (countOpenCodes(file) >= CODES_MAX)
          throw new BulkheadError('SENSOR_CODES_MAX', `${CODES_MAX} codes are open already`, {
            hint: 'use those, or wait: each is good for a day',
          });
        insertCode(file, { hash: codeHash(code), tier, made_by, made_ms });
      });
      return { code, expires_at: new Date(made_ms + CODE_AGE_MS).toISOString() };
    },
    waiting: () =>
      listWaiting(store.database)
        .filter(({ verdict }) => verdict === 'waiting' || verdict === 'approved')
        .map(shown),
    async approve({ fingerprint, by, tier, console_code }) {
      const row = oneWaiting(fingerprint);
      if (by === 'status_page') consoleCode.use(console_code ?? '', now_ms());
      const verdict = {
        verdict: 'approved',
        verdict_ms: now_ms(),
        verdict_by: by,
        tier,
        sensor: null,
      } as const;
      await store.write((file) => {
        judgeWaiting(file, row.claim, ['waiting', 'approved', 'refused'], verdict);
      });
      return shown({ ...row, ...verdict });
    },
    async refuse(fingerprint, by) {
      const row = oneWaiting(fingerprint);
      const { hostname, address } = row;
      const shownDigits = shownFingerprint(row.claim);
      const verdict = {
        verdict: 'refused',
        verdict_ms: now_ms(),
        verdict_by: null,
        tier: null,
        sensor: null,
      } as const;
      await evidence.append([
        { kind: 'sensor.refused', body: { fingerprint: shownDigits, hostname, address, by, blocked: false } },
      ]);
      await store.write((file) => {
        judgeWaiting(file, row.claim, ['waiting', 'approved'], verdict);
      });
      return shown({ ...row, ...verdict });
    },
    consoleCode: () => consoleCode.current,
  };
}

/** Revoked ones have been dealt with: an answer that got lost is not theirs to ask for. */
function isHeard(sensor: Sensor | null): boolean {
  return sensor === null || sensor.last_heard_at !== null || sensor.revoked_at !== null;
}

function shown({
  claim,
  way,
  address,
  hostname,
  os_version,
  agent_version,
  first_ms,
  verdict,
}: WaitingRow): Waiting {
  return {
    ...{ fingerprint: shownFingerprint(claim), way, address, hostname, os_version, agent_version },
    ...{ since: new Date(first_ms).toISOString(), approved: verdict === 'approved' },
  };
}

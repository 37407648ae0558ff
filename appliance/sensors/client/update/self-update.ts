import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError, describeError } from '../../../../base/errors.ts';
import { ENVELOPE_MAX_BYTES } from '../../../../base/signing/limits.ts';
import { fetchSmall } from '../../../../updater/fetch/small.ts';
import type { TrustedKeys } from '../../../../updater/signing/trust.ts';
import type { UpdateOffer } from '../sdk/link.ts';
import { fetchProgram } from './fetch-program.ts';
import { FETCH_PATIENCE_MS } from './limits.ts';
import { type ProgramPlace, placeOf, promote } from './place.ts';
import { badBefore, beginTrial, endSilent, heard, markBad, readRecord, writeRecord } from './record.ts';
import { admitSensorRelease, type SensorPlatform, verifySensorRelease } from './release.ts';
import { type Child, runTrial, type Start } from './trial.ts';

export interface SelfUpdateParts {
  /** The program that the system starts. */
  installed: string;
  /** The sensor's own folder. */
  folder: string;
  platform: SensorPlatform;
  version: string;
  trusted: TrustedKeys;
  start: Start;
  log: (level: 'info' | 'warning', message: string) => void;
  now_ms: () => number;
  trial_timeout_ms?: number;
}

/** A newer program that is fetched, verified and beside the old one. */
export interface ReadyProgram {
  version: string;
  sha256: string;
}

/** The way of a sensor from one version to the next, and back. */
export class SelfUpdate {
  readonly #parts: SelfUpdateParts;
  readonly #place: ProgramPlace;
  readonly #recordFile: string;
  #last_refusal = '';

  constructor(parts: SelfUpdateParts) {
    this.#parts = parts;
    this.#place = placeOf(parts.installed);
    this.#recordFile = join(parts.folder, 'update.json');
  }

  /** The appliance has acknowledged something of this version. */
  heard(): void {
    const before = readRecord(this.#recordFile);
    const after = heard(before, this.#parts.now_ms());
    if (after === before) return;
    writeRecord(this.#recordFile, after);
    const bad = after.bad.at(-1);
    if (after.trial === null && bad !== undefined)
      this.#parts.log('warning', `version ${bad.version} is not tried again: ${bad.why}`);
  }

  /** What an offer comes to: a program that is ready for its trial, or null, with the reason in the log. Never throws. */
  async prepare(offer: UpdateOffer, signal: AbortSignal): Promise<ReadyProgram | null> {
    const { version, log } = this.#parts;
    // The appliance offers what it has, whether it is news or not.
    if (offer.version === version) return null;
    try {
      return await this.#fetch(offer, signal);
    } catch (error) {
      const why = `version ${offer.version} is not taken: ${describeError(error)}`;
      // The same offer comes with every heartbeat.
      if (why !== this.#last_refusal) log('warning', why);
      this.#last_refusal = why;
      return null;
    }
  }

  /**
   * Lets a program that is ready do the work; the sensor of this process has stopped. When it has reported it is installed, and runs on;
   * otherwise it has been ended, and this version goes on.
   */
  async tryOut(ready: ReadyProgram, args: readonly string[], signal: AbortSignal): Promise<Child | null> {
    const { start, folder, log, now_ms, trial_timeout_ms } = this.#parts;
    const begun = beginTrial(readRecord(this.#recordFile), ready, now_ms());
    writeRecord(this.#recordFile, begun);
    if (begun.trial === null) return this.#giveUp(ready);
    log('info', `version ${ready.version} is tried`);
    const trial = await runTrial({
      ...{ start, program: this.#place.next, args, signal, mark: join(folder, 'trial-reported') },
      ...(trial_timeout_ms === undefined ? {} : { timeout_ms: trial_timeout_ms }),
    });
    if (trial.verdict === 'reported') {
      promote(this.#place);
      writeRecord(this.#recordFile, { ...begun, trial: null });
      log('info', `version ${ready.version} has reported and is installed`);
      return trial.child;
    }
    if (trial.verdict === 'aborted') return null;
    if (trial.verdict === 'ended') {
      writeRecord(
        this.#recordFile,
        markBad(begun, `it ended with ${trial.code} before it reported`, now_ms()),
      );
      return this.#giveUp(ready);
    }
    writeRecord(this.#recordFile, endSilent(begun, now_ms()));
    log('warning', `version ${ready.version} did not report; version ${this.#parts.version} goes on`);
    return null;
  }

  #giveUp({ version }: ReadyProgram): null {
    const why = readRecord(this.#recordFile).bad.at(-1)?.why ?? '';
    this.#parts.log(
      'warning',
      `version ${version} is not tried again: ${why}; version ${this.#parts.version} goes on`,
    );
    rmSync(this.#place.next, { force: true });
    return null;
  }

  async #fetch(offer: UpdateOffer, signal: AbortSignal): Promise<ReadyProgram> {
    const { trusted, platform, version, now_ms } = this.#parts;
    const named = { version: offer.version, sha256: offer.sha256.toLowerCase() };
    const bad = badBefore(readRecord(this.#recordFile), named);
    if (bad !== null) throw new BulkheadError('SENSOR_RELEASE_BAD', `it was tried before: ${bad}`);
    const envelope = await fetchSmall([signatureUrl(offer.url)], ENVELOPE_MAX_BYTES, {
      ...{ signal, retry_for_ms: FETCH_PATIENCE_MS, attempts_max: 5 },
    });
    const release = verifySensorRelease(envelope, trusted, new Date(now_ms()));
    admitSensorRelease(release, offer, { platform, version });
    await fetchProgram(offer.url, release, this.#place.next, signal);
    return named;
  }
}

/** The signature of a program lies beside it. @throws BulkheadError SENSOR_RELEASE_ADDRESS */
function signatureUrl(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new BulkheadError('SENSOR_RELEASE_ADDRESS', `'${url.slice(0, 200)}' is no address of a program`, {
      cause,
    });
  }
  parsed.pathname += '.dsse';
  return parsed.href;
}

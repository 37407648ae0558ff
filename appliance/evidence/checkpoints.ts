import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import type { JsonObject } from '../../protocol/evidence/canonical.ts';
import { openStatement, sealStatement } from '../../protocol/evidence/statement.ts';
import { CHECKPOINT, ChainPlace, COUNTERSIGNATURE } from '../../protocol/evidence/statements.ts';
import type { Evidence } from './evidence.ts';
import { CHECKPOINT_INTERVAL_MS, CHECKPOINT_RECORDS } from './limits.ts';

/** The last countersignature, beside the chains: what it says is in the chain, too. */
const LastCountersigned = t.Object({ ...ChainPlace.properties, noted_at: t.String() });
type LastCountersigned = Static<typeof LastCountersigned>;

/** How far the chain has come, stated for the coordinator, and what it says to it. */
export class Checkpoints {
  readonly #evidence: Evidence;
  #last: LastCountersigned | null;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    this.#last = readLast(fileOf(evidence));
  }

  /** What was countersigned last of the chain that is written to; null: nothing of it. */
  last(): LastCountersigned | null {
    return this.#last?.chain === this.#evidence.writer.state.chain ? this.#last : null;
  }

  /** A checkpoint that it is time to send; null: nothing is new, or not for long enough. */
  due(): EnvelopeJson | null {
    const { options, news_seq } = this.#evidence;
    const last = this.last();
    if (last === null) return this.#make();
    const waited_ms = options.now().getTime() - Date.parse(last.noted_at);
    // A clock that was set back must not keep it waiting.
    const isTime = waited_ms < 0 || waited_ms >= CHECKPOINT_INTERVAL_MS;
    const news = news_seq - last.seq;
    return news > 0 && (isTime || news >= CHECKPOINT_RECORDS) ? this.#make() : null;
  }

  /**
   * The coordinator has countersigned a checkpoint of this log: that goes on record.
   *
   * @param keys raw keys of the coordinator, as the enrolment gave them
   * @throws BulkheadError EVIDENCE_STATEMENT_INVALID, EVIDENCE_CHECKPOINT_UNKNOWN, EVIDENCE_FULL, EVIDENCE_FAILED
   */
  async countersigned(
    checkpoint: EnvelopeJson,
    countersignature: EnvelopeJson,
    keys: readonly Uint8Array[],
  ): Promise<void> {
    const { key, now } = this.#evidence.options;
    const { state } = this.#evidence.writer;
    const { chain, seq, hash } = openStatement(CHECKPOINT, checkpoint, [key.endorsed.public_key]);
    const signed = openStatement(COUNTERSIGNATURE, countersignature, keys);
    const fits = signed.chain === chain && signed.seq === seq && signed.hash === hash;
    if (!fits || signed.device !== key.endorsed.device || chain !== state.chain || state.hashOf(seq) !== hash)
      throw new BulkheadError(
        'EVIDENCE_CHECKPOINT_UNKNOWN',
        `record ${seq} is not one that waits for a countersignature`,
        {
          hint: 'the log was opened anew meanwhile; the next checkpoint will be taken',
        },
      );
    const coordinator_keys = keys.map((one) => Buffer.from(one).toString('base64'));
    const body = { checkpoint, coordinator_keys, countersignature } as unknown as JsonObject;
    await this.#evidence.appendInReserve([{ kind: 'checkpoint.countersigned', body }]);
    this.#last = { chain, hash, noted_at: now().toISOString(), seq };
    writeFileAtomic(fileOf(this.#evidence), `${JSON.stringify(this.#last)}\n`, 0o640);
  }

  #make(): EnvelopeJson {
    const { options, writer } = this.#evidence;
    const { chain, head } = writer.state;
    const last = this.last();
    const previous = last === null ? null : { hash: last.hash, seq: last.seq };
    const at = options.now().toISOString();
    const { succeeds } = this.#evidence;
    return sealStatement(
      CHECKPOINT,
      { at, chain, format: 1, ...head, previous, succeeds },
      options.key.signer,
    );
  }
}

const fileOf = ({ options }: Evidence) => join(options.folder, 'countersigned.json');

function readLast(path: string): LastCountersigned | null {
  if (!existsSync(path)) return null;
  try {
    const last: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Value.Check(LastCountersigned, last) ? last : null;
  } catch {
    // Then the next checkpoint goes out at once.
    return null;
  }
}

import { type Static, Type as t } from '@sinclair/typebox';
import { Elysia, t as elysia } from 'elysia';
import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import { rawKey } from '../../protocol/evidence/endorsed-key.ts';
import { ChainId, RecordNumber } from '../../protocol/evidence/record.ts';
import type { SegmentFacts } from '../../protocol/evidence/statements.ts';
import { PublicKey, Sha256 } from '../../protocol/messages/parts.ts';
import type { CustodyState } from './custody.ts';
import type { Evidence } from './evidence.ts';
import { exportBytes, planExport } from './export.ts';
import { EVIDENCE_MAX_BYTES, LIST_MAX } from './limits.ts';
import { listRecords } from './records.ts';

/** What `bulkhead evidence status` and the status page show. */
export interface EvidenceStatus {
  chain: string;
  key_id: string;
  device: string;
  head: { seq: number; hash: string };
  size_bytes: number;
  max_bytes: number;
  /** Why nothing is taken any more; null: it is. */
  failure: string | null;
  /** The last record that the coordinator has countersigned. */
  countersigned: { seq: number; noted_at: string } | null;
  /** Chains here, oldest first; the last is written to. */
  chains: string[];
  segments: {
    chain: string;
    segment: number;
    size_bytes: number;
    first_seq: number | null;
    last_seq: number | null;
    state: CustodyState;
    refused: { code: string; message: string; times: number } | null;
  }[];
}

/** What the agent takes to the coordinator; null: nothing now. */
export interface EvidenceErrand {
  checkpoint: { checkpoint: EnvelopeJson; endorsement: EnvelopeJson } | null;
  segment: { chain: string; facts: SegmentFacts } | null;
}

const strict = { additionalProperties: false };
const Envelope = t.Unsafe<EnvelopeJson>(
  t.Object({ payload: t.String(), payloadType: t.String(), signatures: t.Array(t.Unknown()) }),
);
const Keys = t.Array(PublicKey, { minItems: 1, maxItems: 8 });
const Segment = { chain: ChainId, segment: RecordNumber };
const Whole = elysia.Numeric({ minimum: 0, multipleOf: 1 });

/** An export that somebody has, verified by whoever fetched it. */
export const ExportTold = t.Object(
  {
    sha256: Sha256,
    size_bytes: t.Integer({ minimum: 1 }),
    chains: t.Array(t.Object({ chain: ChainId, first_seq: RecordNumber, last_seq: RecordNumber }, strict), {
      minItems: 1,
    }),
    /** It is kept: its segments may go from here. */
    kept: t.Boolean(),
  },
  strict,
);
export type ExportTold = Static<typeof ExportTold>;

/** The routes of the evidence on the control socket. */
export function evidenceControl(evidence: Evidence) {
  return new Elysia({ name: 'evidence-control', prefix: '/v1/evidence' })
    .get('/', () => statusOf(evidence))
    .get(
      '/records',
      async ({ query }) => ({
        records: await listRecords(evidence, { ...query, limit: query.limit ?? 50 }),
      }),
      {
        query: t.Object({
          ...{ kind: t.Optional(t.String({ maxLength: 64 })), chain: t.Optional(ChainId) },
          ...{
            before: elysia.Optional(Whole),
            limit: elysia.Optional(elysia.Numeric({ minimum: 1, maximum: LIST_MAX })),
          },
        }),
      },
    )
    .get(
      '/export',
      ({ query }) => {
        const bytes = exportBytes(evidence, planExport(evidence, query.chain));
        return new Response(streamOf(bytes), { headers: { 'content-type': 'application/jsonl' } });
      },
      { query: t.Object({ chain: t.Optional(ChainId) }) },
    )
    .post(
      '/exports',
      async ({ body }) => {
        await evidence.append([{ kind: 'export.made', body }]);
        if (body.kept) await evidence.custody.exported(body.chains, body.sha256);
        return statusOf(evidence);
      },
      { body: ExportTold },
    )
    .get('/errand', (): EvidenceErrand => {
      const checkpoint = evidence.checkpoints.due();
      const { endorsement } = evidence.options.key;
      return {
        checkpoint: checkpoint === null ? null : { checkpoint, endorsement },
        segment: evidence.custody.nextUpload(),
      };
    })
    .get(
      '/piece',
      ({ query }) => new Response(evidence.custody.piece(query.chain, query.segment, query.offset_bytes)),
      { query: t.Object({ chain: ChainId, segment: Whole, offset_bytes: Whole }) },
    )
    .post(
      '/countersigned',
      async ({ body: { checkpoint, countersignature, coordinator_keys } }) => {
        await evidence.checkpoints.countersigned(checkpoint, countersignature, coordinator_keys.map(rawKey));
        return {};
      },
      {
        body: t.Object({ checkpoint: Envelope, countersignature: Envelope, coordinator_keys: Keys }, strict),
      },
    )
    .post(
      '/received',
      async ({ body: { chain, segment, receipt, coordinator_keys } }) => {
        await evidence.custody.received(chain, segment, receipt, coordinator_keys.map(rawKey));
        return {};
      },
      { body: t.Object({ ...Segment, receipt: Envelope, coordinator_keys: Keys }, strict) },
    )
    .post(
      '/refused',
      ({ body: { chain, segment, code, message } }) => {
        evidence.custody.refused(chain, segment, code, message);
        return {};
      },
      {
        body: t.Object(
          { ...Segment, code: t.String({ maxLength: 64 }), message: t.String({ maxLength: 1000 }) },
          strict,
        ),
      },
    );
}

function statusOf(evidence: Evidence): EvidenceStatus {
  const { options, writer, checkpoints } = evidence;
  const last = checkpoints.last();
  const segments = evidence.custody.list();
  return {
    ...{ chain: writer.state.chain, key_id: writer.state.key.key_id, device: writer.state.key.device },
    ...{ head: evidence.head(), size_bytes: evidence.size_bytes(), failure: evidence.failure() },
    max_bytes: options.max_bytes ?? EVIDENCE_MAX_BYTES,
    countersigned: last === null ? null : { seq: last.seq, noted_at: last.noted_at },
    chains: [...new Set(segments.map(({ chain }) => chain))],
    segments: segments.map(({ chain, segment, size_bytes, state, facts, note }) => ({
      ...{ chain, segment, size_bytes, state },
      ...{ first_seq: facts?.first_seq ?? null, last_seq: facts?.last_seq ?? null },
      refused:
        note.refused === null
          ? null
          : { code: note.refused.code, message: note.refused.message, times: note.refused.times },
    })),
  };
}

/** Read no faster than it is fetched. */
function streamOf(bytes: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await bytes.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await bytes.return(undefined);
    },
  });
}

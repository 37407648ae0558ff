import { Value } from '@sinclair/typebox/value';
import { CheckpointAnswer, SegmentAnswer } from '../../protocol/evidence/messages.ts';
import type { EvidenceErrand } from '../evidence/control.ts';
import type { Reply } from '../link/client.ts';
import type { Link } from '../link/link.ts';
import { askSite, callSite } from '../site/control/client.ts';
import { EVIDENCE_ERRAND_MS, EVIDENCE_PIECE_PAUSE_MS } from './limits.ts';
import { startSiteRounds } from './site-rounds.ts';

export interface EvidenceCourierOptions {
  link: Pick<Link, 'ask' | 'coordinatorKeys'>;
  /** The control socket of the site's service. */
  socket: string;
  warn: (message: string) => void;
  /** Instead of EVIDENCE_ERRAND_MS and EVIDENCE_PIECE_PAUSE_MS. */
  errand_ms?: number;
  piece_pause_ms?: number;
}

/** Refusals that say something about what was sent: the site has to know. Whatever else comes is asked again later. */
const FINAL = ['EVIDENCE_REFUSED', 'EVIDENCE_FORKED', 'REQUEST_INVALID', 'BODY_TOO_LARGE'];

/**
 * Carries evidence between the site's service, which has no device key, and the coordinator: checkpoints there and countersignatures back, finished
 * segments there and receipts back. Nothing is kept here: what is due is asked of the site again.
 */
export function startEvidenceCourier(options: EvidenceCourierOptions): { stop(): Promise<void> } {
  const { link, socket, warn } = options;
  const site = (path: string, body?: unknown) =>
    callSite(`/v1/evidence${path}`, { socket, ...(body === undefined ? {} : { method: 'POST', body }) });

  const takeCheckpoint = async (message: NonNullable<EvidenceErrand['checkpoint']>) => {
    const reply = await link.ask({ path: '/agent/evidence/checkpoint', body: JSON.stringify(message) });
    if (reply.kind === 'answer' && Value.Check(CheckpointAnswer, reply.body)) {
      const { countersignature } = reply.body;
      const { checkpoint } = message;
      await site('/countersigned', {
        checkpoint,
        countersignature,
        coordinator_keys: link.coordinatorKeys(),
      });
    } else if (isFinal(reply)) warn(`a checkpoint of the evidence was refused: ${reply.message}`);
  };
  const takeSegment = async (
    { chain, facts }: NonNullable<EvidenceErrand['segment']>,
    stopping: AbortSignal,
    sleep: (for_ms: number) => Promise<void>,
  ) => {
    const { segment } = facts;
    // How much is there already?
    let piece = { offset_bytes: 0, text: '' };
    while (!stopping.aborted) {
      const reply = await link.ask({
        path: '/agent/evidence/segment',
        body: JSON.stringify({ chain, facts, ...piece }),
      });
      if (isFinal(reply)) {
        await site('/refused', { chain, segment, code: reply.code, message: reply.message.slice(0, 1000) });
        return;
      }
      if (reply.kind !== 'answer' || !Value.Check(SegmentAnswer, reply.body)) return;
      const { received_bytes: offset_bytes, receipt } = reply.body;
      if (receipt !== null) {
        await site('/received', { chain, segment, receipt, coordinator_keys: link.coordinatorKeys() });
        return;
      }
      const query = new URLSearchParams({
        chain,
        segment: String(segment),
        offset_bytes: String(offset_bytes),
      });
      piece = { offset_bytes, text: await (await askSite(`/v1/evidence/piece?${query}`, { socket })).text() };
      await sleep(options.piece_pause_ms ?? EVIDENCE_PIECE_PAUSE_MS);
    }
  };
  return startSiteRounds({
    ...{ link, warn, pause_ms: options.errand_ms ?? EVIDENCE_ERRAND_MS, failed: 'evidence was not carried' },
    async round(stopping, sleep) {
      // It is the same program: no other schema than its own.
      const { checkpoint, segment } = (await site('/errand')) as EvidenceErrand;
      if (checkpoint !== null) await takeCheckpoint(checkpoint);
      if (segment !== null) await takeSegment(segment, stopping, sleep);
    },
  });
}

function isFinal(reply: Reply): reply is Extract<Reply, { kind: 'refusal' }> {
  return reply.kind === 'refusal' && reply.code !== null && FINAL.includes(reply.code);
}

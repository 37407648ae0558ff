import type { Reply } from './client.ts';

/** What is asked of the coordinator. */
export type Errand = 'enrol' | 'heartbeat' | 'message' | 'question';

/**
 * What a reply means for what was sent. taken: done; corrected: clock or sequence have been put right, again at once; enrol: this key
 * is not, or no more, let in; shut: an operator has said no; impossible: this message will never be taken; later: again after a pause.
 */
export type Meaning = 'taken' | 'corrected' | 'enrol' | 'shut' | 'impossible' | 'later';

type Meanings = Readonly<Record<string, Meaning>>;

/** What names its own remedy, whatever was asked. */
const CORRECTED: Meanings = { SIGNATURE_TIME: 'corrected', AGENT_REPLAY: 'corrected' };
const NOT_IN: Meanings = { AGENT_KEY_UNKNOWN: 'enrol', AGENT_KEY_REVOKED: 'enrol', DEVICE_PENDING: 'enrol' };

const MEANINGS: Readonly<Record<Errand, Meanings>> = {
  enrol: { ...CORRECTED, AGENT_KEY_REVOKED: 'shut', DEVICE_REFUSED: 'shut' },
  heartbeat: { ...CORRECTED, ...NOT_IN },
  message: {
    ...{ ...CORRECTED, ...NOT_IN },
    // About the message itself. An order that is not known belongs to a coordinator, or an enrolment, that is gone.
    ...{ REQUEST_INVALID: 'impossible', BODY_TOO_LARGE: 'impossible' },
    ...{ ORDER_UNKNOWN: 'impossible', ORDER_LOG_FULL: 'impossible' },
  },
  question: {
    ...{ ...CORRECTED, ...NOT_IN },
    // Whoever has asked knows what to make of it. An older coordinator does not know the question.
    ...{ REQUEST_INVALID: 'impossible', BODY_TOO_LARGE: 'impossible', ROUTE_UNKNOWN: 'impossible' },
    ...{ EVIDENCE_REFUSED: 'impossible', EVIDENCE_FORKED: 'impossible' },
  },
};

/** Whatever is not listed may be otherwise next time: nothing is given up for a refusal that nobody foresaw. */
export function meaningOf(errand: Errand, reply: Reply): Meaning {
  if (reply.kind === 'answer') return 'taken';
  if (reply.kind === 'silence' || reply.code === null) return 'later';
  const known = MEANINGS[errand];
  return Object.hasOwn(known, reply.code) ? (known[reply.code] ?? 'later') : 'later';
}

import type { Reply } from './client.ts';

/** What is asked of the coordinator. */
export type Errand = 'enrol' | 'heartbeat' | 'message';

/**
 * What a reply means for what was sent. taken: done; corrected: clock or sequence have been put right, again at once; enrol: this key is not, or
 * no more, let in; shut: an operator has said no; impossible: this message will never be taken; later: again after a pause.
 */
export type Meaning = 'taken' | 'corrected' | 'enrol' | 'shut' | 'impossible' | 'later';

const CORRECTED: readonly string[] = ['SIGNATURE_TIME', 'AGENT_REPLAY'];
const NOT_IN: readonly string[] = ['AGENT_KEY_UNKNOWN', 'AGENT_KEY_REVOKED', 'DEVICE_PENDING'];
const SAID_NO: readonly string[] = ['AGENT_KEY_REVOKED', 'DEVICE_REFUSED'];
/** About the message itself. An order that is not known belongs to a coordinator, or an enrolment, that is gone. */
const NEVER: readonly string[] = ['REQUEST_INVALID', 'BODY_TOO_LARGE', 'ORDER_UNKNOWN', 'ORDER_LOG_FULL'];

/** The first row that fits. Whatever is not listed may be otherwise next time: nothing is given up for a refusal that nobody foresaw. */
export function meaningOf(errand: Errand, reply: Reply): Meaning {
  if (reply.kind === 'answer') return 'taken';
  if (reply.kind === 'silence' || reply.code === null) return 'later';
  if (CORRECTED.includes(reply.code)) return 'corrected';
  if (errand === 'enrol' && SAID_NO.includes(reply.code)) return 'shut';
  if (errand !== 'enrol' && NOT_IN.includes(reply.code)) return 'enrol';
  if (errand === 'message' && NEVER.includes(reply.code)) return 'impossible';
  return 'later';
}

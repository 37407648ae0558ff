import type { LinkSection } from '../../status-page/link-section.ts';
import type { CoordinatorStatus } from '../../status-page/status.ts';
import type { WayStatus } from '../coordinator-probe/prober.ts';
import type { ConversationState } from './conversation.ts';
import type { OutboxState } from './outbox/outbox.ts';

/** How it stands with the coordinator, for the page. Pure. @param offset_ms of the coordinator's clock; null: not heard */
export function describeLink(
  conversation: ConversationState,
  outbox: OutboxState,
  offset_ms: number | null,
): LinkSection {
  const { enrolment, pending, provision, agent, contact_ms, problem, shut } = conversation;
  const { records, oldest_ms, memoryOnly, dropped } = outbox;
  const state =
    shut !== null
      ? 'refused'
      : enrolment !== null
        ? contact_ms !== null && problem === null
          ? 'connected'
          : 'interrupted'
        : pending !== null
          ? 'pending'
          : 'enrolling';
  return {
    state,
    code: state === 'pending' ? (pending?.code ?? null) : null,
    codeExpiresAt: state === 'pending' ? instant(pending?.expires_ms ?? null) : null,
    provision,
    lastContactAt: instant(contact_ms),
    clockOffset_ms: offset_ms === null ? null : Math.round(offset_ms),
    agent,
    waiting: { records, oldestAt: instant(oldest_ms), memoryOnly, dropped },
  };
}

/** This machine cannot talk to a coordinator, whoever that is. */
export function unableLink(): LinkSection {
  return {
    ...{ state: 'unable', code: null, codeExpiresAt: null, provision: 'unknown', lastContactAt: null },
    ...{ clockOffset_ms: null, agent: null },
    waiting: {
      ...{ records: 0, oldestAt: null, memoryOnly: null, dropped: { log: 0, state: 0, refused: 0 } },
    },
  };
}

/**
 * What the check of the way found out, and what the coordinator itself has said since: one word for the page. The stage `auth` is the
 * link's: only who talks can be turned away.
 *
 * @param problem why the last request failed; null: it did not
 */
export function withLink(
  way: WayStatus,
  link: LinkSection | null,
  problem: string | null,
): CoordinatorStatus {
  if (link === null) return { ...way, link };
  const { state } = link;
  if (state === 'connected' || state === 'pending')
    return { ...way, reachable: true, failingStage: null, message: sentence(link), link };
  // Where the way itself is broken, that check says more about why.
  if (way.reachable === false) return { ...way, link };
  if (state === 'refused' || isRefusal(problem))
    return { ...way, reachable: false, failingStage: 'auth', message: `auth: ${problem ?? state}`, link };
  return { ...way, message: problem === null ? WORDS[state] : `${WORDS[state]}: ${problem}`, link };
}

const WORDS: Record<LinkSection['state'], string> = {
  enrolling: 'enrolling',
  pending: 'waits for approval',
  connected: 'connected',
  interrupted: 'not connected',
  refused: 'refused',
  unable: 'this machine cannot enrol',
};

/** Nothing that moves by itself: this stands on the console, which is written on change. */
function sentence({ state, code, agent, waiting }: LinkSection): string {
  if (state === 'pending') return `waits for approval with code ${code ?? 'not known'}`;
  return [
    WORDS[state],
    ...(agent === 'outdated' ? ['the coordinator wants a newer agent'] : []),
    ...(waiting.memoryOnly === null ? [] : ['reports are kept in memory only']),
  ].join('; ');
}

/** Whether the words begin with a code of the coordinator: it was reached, and has said no. */
function isRefusal(problem: string | null): boolean {
  return problem !== null && /^(SIGNATURE|AGENT|DEVICE)_[A-Z_]+: /.test(problem);
}

function instant(time_ms: number | null): string | null {
  return time_ms === null ? null : new Date(time_ms).toISOString();
}

import type { UpdateState } from '../../base/update-states.ts';
import type { KnownOrder } from '../../protocol/orders/order.ts';
import type { OrderType } from '../../protocol/orders/order-types.ts';
import { type OrderResult, ROLLED_BACK_CODE } from '../../protocol/orders/result.ts';
import type { Random } from './random.ts';

/** One thing that an appliance does, so long after the one before. */
export type Act = { after_ms: number } & (
  | { kind: 'tell'; order_id: string; result: Omit<OrderResult, 'observed_at_ms'> }
  | { kind: 'log'; order_id: string; attempt: number; text: string }
  /** Its heartbeat says how far an update is. */
  | { kind: 'progress'; update: { version: string; state: UpdateState } }
  /** No heartbeat comes any more until it has booted. */
  | { kind: 'go_down' }
  /** It says what it is: because it was asked, or has booted. */
  | { kind: 'report'; reason: ReportReason }
  /** It is up, and says so with a state report. */
  | { kind: 'boot'; version: string }
  /** It is never heard of again. */
  | { kind: 'vanish' }
);

export type ReportReason = 'startup' | 'deployment' | 'state_delta';

/** How likely an order goes wrong, each from 0 to 1; the rest goes well. Together at most 1. */
export interface Odds {
  /** It says that it could not. */
  failure: number;
  /** An update is tried and comes back; any other order fails. */
  rollback: number;
  /** It takes the order and is not heard of again. */
  silent: number;
}

/** What runs now, and what ran before that. */
export interface Running {
  version: string;
  before: string;
}

/** What these do without being an appliance. */
const LOOKED_AT: readonly OrderType[] = ['view_logs', 'diagnostic'];
const BOOTS: readonly OrderType[] = ['reboot', 'restart_agent', 'force_checkin'];

/**
 * How an appliance carries an order out, step by step, as a real one is seen to do it. The order has been verified. Pure but for the dice.
 *
 * @param update_ms how long a whole update takes
 */
export function actsOf(
  order: KnownOrder,
  running: Running,
  { odds, update_ms, random }: { odds: Odds; update_ms: number; random: Random },
): Act[] {
  const { id: order_id, attempt, type } = order;
  const tell = (result: Omit<OrderResult, 'observed_at_ms' | 'attempt'>, share = 0): Act => ({
    ...{ kind: 'tell', order_id, result: { attempt, ...result } },
    after_ms: share * update_ms,
  });
  const accepted = tell({ state: 'accepted' });
  const failed = (message: string, share = 0.1) =>
    tell({ state: 'failed', code: 'SIMULATED_FAILURE', message }, share);
  const outcome = draw(odds, random);
  if (type === 'update' || type === 'rollback') {
    const { version, to_version } = order.parameters as { version?: string; to_version?: string };
    const to = version ?? to_version ?? running.before;
    const move = moves(to, running.version, update_ms);
    switch (outcome) {
      case 'silent':
        return [accepted, move.downloading, { kind: 'vanish', after_ms: 0.3 * update_ms }];
      case 'failure':
        return [accepted, move.downloading, move.failed, failed(`no mirror has ${to} (simulated)`, 0)];
      case 'rollback': {
        const message = `${to} was refused by the health gate: the agent did not answer (simulated)`;
        const back = tell({ state: 'failed', code: ROLLED_BACK_CODE, message });
        return [accepted, ...move.there, ...move.back, back];
      }
      case 'success':
        return [accepted, ...move.there, move.kept, tell({ state: 'succeeded', facts: { version: to } })];
    }
  }
  if (!LOOKED_AT.includes(type) && !BOOTS.includes(type)) {
    const message = `a simulated appliance does no orders of type '${type}'`;
    return [tell({ state: 'refused', code: 'SIMULATED_ONLY', message })];
  }
  if (outcome === 'silent') return [accepted, { kind: 'vanish', after_ms: 0 }];
  if (outcome !== 'success') return [accepted, failed(`'${type}' did not work (simulated)`)];
  const act: Act[] = LOOKED_AT.includes(type)
    ? [{ kind: 'log', order_id, attempt, text: `${type}: simulated\n`, after_ms: 0 }]
    : [
        { kind: 'go_down', after_ms: 0 },
        { kind: 'boot', version: running.version, after_ms: type === 'reboot' ? 0.3 * update_ms : 0 },
      ];
  return [accepted, ...act, tell({ state: 'succeeded' })];
}

/** The steps between two versions; their shares of the whole time are those of an update that was measured: fetching takes longest. */
function moves(to: string, from: string, update_ms: number) {
  const progress = (state: UpdateState, share: number): Act => ({
    ...{ kind: 'progress', update: { version: to, state }, after_ms: share * update_ms },
  });
  const boot = (version: string, share: number): Act => ({
    ...{ kind: 'boot', version, after_ms: share * update_ms },
  });
  const downloading = progress('downloading', 0.05);
  const down: Act = { kind: 'go_down', after_ms: 0 };
  return {
    downloading,
    failed: progress('failed', 0.3),
    there: [
      ...[downloading, progress('ready', 0.4), progress('rebooting', 0.05), down],
      ...[boot(to, 0.2), progress('verifying', 0)],
    ],
    kept: progress('succeeded', 0.3),
    back: [down, boot(from, 0.3), progress('rolled_back', 0)],
  };
}

function draw({ failure, rollback, silent }: Odds, random: Random): 'success' | keyof Odds {
  const dice = random();
  if (dice < silent) return 'silent';
  if (dice < silent + failure) return 'failure';
  return dice < silent + failure + rollback ? 'rollback' : 'success';
}

import type { RequestSigner } from '../../protocol/http-signature/sign.ts';
import type { ReportAnswer } from '../../protocol/messages/answers.ts';
import { type SessionKey, sessionSigner, wishForSessionKey } from '../../protocol/session-key/session-key.ts';
import type { Reply } from './client.ts';
import { SESSION_REFUSED_PAUSE_MS, SESSION_RENEW_MS } from './limits.ts';

/** How one heartbeat is signed, and what it asks for. */
export interface HeartbeatTurn {
  /** Undefined: the device's own key. */
  signer: RequestSigner | undefined;
  /** For `session_key_for`; undefined: it asks for none. */
  wish: string | undefined;
  /** The heartbeat was taken: keeps the session key that came with the answer. */
  taken(answer: Pick<ReportAnswer, 'session_key'>): void;
  /** Whether the session was refused and is forgotten: the same is then sent again, signed with the device's own key. */
  refused(reply: Reply): boolean;
}

/** Refused because its time was over, or the clock was: another one will do. */
const ENDED: readonly (string | null)[] = ['SESSION_KEY_EXPIRED', 'SIGNATURE_TIME'];

/**
 * The session key that signs heartbeats (docs/decisions/0014), in memory alone. The first heartbeat asks for one, and so does the one before it ends; whatever is
 * wrong with it, the device's own key goes on.
 */
export class Sessions {
  readonly #options: { key_id: string; now_ms: () => number; steady_ms: () => number };
  #key: SessionKey | null = null;
  #ask_from_ms = Number.NEGATIVE_INFINITY;

  /** @param options `now_ms`: the coordinator's time; `steady_ms`: a clock that never jumps; `key_id`: of the device */
  constructor(options: { key_id: string; now_ms: () => number; steady_ms: () => number }) {
    this.#options = options;
  }

  turn(): HeartbeatTurn {
    const { key_id, now_ms, steady_ms } = this.#options;
    if (this.#key && this.#key.expires_s * 1000 - now_ms() < SESSION_RENEW_MS) this.forget();
    const key = this.#key;
    const asks = key === null && steady_ms() >= this.#ask_from_ms;
    const wish = asks ? wishForSessionKey() : undefined;
    return {
      ...{ signer: key === null ? undefined : sessionSigner(key), wish: wish?.public_key },
      taken: ({ session_key }) => {
        if (wish && session_key) this.#key = wish.take(session_key, key_id) ?? null;
      },
      refused: (reply) => {
        // 401 and nothing else is about who has signed.
        if (key === null || reply.kind !== 'refusal' || reply.status !== 401) return false;
        this.forget();
        if (!ENDED.includes(reply.code)) this.#ask_from_ms = steady_ms() + SESSION_REFUSED_PAUSE_MS;
        return true;
      },
    };
  }

  /** The key of the device is let in anew, or not any more. */
  forget(): void {
    this.#key = null;
  }
}

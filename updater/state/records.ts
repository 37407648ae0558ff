import { Type as t } from '@sinclair/typebox';
import { Pattern, SlotName, Unknowable } from '../../base/schema.ts';

/** What is kept about updates on the data partition. Everything in it survives updates and rollbacks. */

const Hex256 = Pattern(/^[0-9a-f]{64}$/);
const Instant = t.String({ description: 'RFC 3339' });

/** How the bytes came: see docs/decisions/0007-bundles.md. */
export const Method = t.Union([t.Literal('delta'), t.Literal('blocks'), t.Literal('full')]);
export type Method = (typeof Method)['static'];

/** `now`: as soon as it is armed; `window`: in the next maintenance window; `no`: somebody else does it. */
export const RebootWish = t.Union([t.Literal('no'), t.Literal('now'), t.Literal('window')]);
export type RebootWish = (typeof RebootWish)['static'];

/** Which execution of which order an update is: `ID/ATTEMPT`. Whoever ordered it finds it again by this. */
export const OrderName = Pattern(/^[0-9a-f-]{36}\/[1-9][0-9]{0,8}$/);

/**
 * An update between its last byte and its verdict. Written, durable, before the slot is armed, so that whatever
 * happens afterwards can be told apart from a boot that nobody ordered.
 */
export const PendingUpdate = t.Object(
  {
    format: t.Literal(1),
    version: t.String(),
    slot: SlotName,
    root_hash: Hex256,
    /** SHA-256 of the signed manifest that was installed; null for a return to what was there. */
    bundle: Unknowable(Hex256),
    from: t.Object(
      { slot: SlotName, version: t.String(), root_hash: Hex256 },
      { additionalProperties: false },
    ),
    method: Unknowable(Method),
    fetched_bytes: t.Integer({ minimum: 0 }),
    written_at: Instant,
    /** The kernel's id of the boot that armed it; a record of an older release has none. */
    boot_id: t.Optional(t.String()),
    reboot: RebootWish,
    /** A return to the slot before, wanted by an operator. */
    rollback: t.Boolean(),
    /** An operator took it back: before it was tried, or out of its trial. */
    withdrawn: t.Optional(t.Boolean()),
    order: t.Optional(OrderName),
    /** The order says that no window is waited for. */
    at_once: t.Optional(t.Boolean()),
  },
  // What a newer release has written is read by an older one after a roll-back: what it does not know is passed over.
  { additionalProperties: true },
);
export type PendingUpdate = (typeof PendingUpdate)['static'];

export const Outcome = t.Union(
  (['succeeded', 'rolled_back', 'failed', 'cancelled'] as const).map((name) => t.Literal(name)),
);
export type Outcome = (typeof Outcome)['static'];

/** One update that ended, however it did: a line of the history. */
export const PastUpdate = t.Object(
  {
    at: Instant,
    outcome: Outcome,
    version: Unknowable(t.String()),
    from_version: t.String(),
    slot: Unknowable(SlotName),
    root_hash: Unknowable(Hex256),
    method: Unknowable(Method),
    fetched_bytes: t.Integer({ minimum: 0 }),
    /** The error with its code, or what the gate said. */
    reason: t.String(),
    /** Of the error, where it ended with one. */
    code: t.Optional(t.String()),
    order: t.Optional(OrderName),
    /** The last lines of the failed trial's console; empty where nothing was left of it. */
    console_tail: t.Array(t.String()),
  },
  // As with the pending update: an older release reads what a newer one has written.
  { additionalProperties: true },
);
export type PastUpdate = (typeof PastUpdate)['static'];

/** Releases that were tried and given up: not tried again unless an operator says so. */
export const RejectedReleases = t.Object(
  {
    format: t.Literal(1),
    releases: t.Array(
      t.Object(
        { version: t.String(), root_hash: Hex256, at: Instant, reason: t.String() },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type RejectedReleases = (typeof RejectedReleases)['static'];

/** What the running update does now; a file on a tmpfs for the page, the CLI and the agent. */
export const UpdateProgress = t.Object(
  {
    format: t.Literal(1),
    state: t.Union([t.Literal('downloading'), t.Literal('ready'), t.Literal('failed')]),
    phase: t.Union([t.Literal('checking'), t.Literal('transfer'), t.Literal('read-back'), t.Literal('done')]),
    version: Unknowable(t.String()),
    slot: Unknowable(SlotName),
    method: Unknowable(Method),
    /** Of the slot: written, then read back. */
    done_bytes: t.Integer({ minimum: 0 }),
    total_bytes: Unknowable(t.Integer({ minimum: 0 })),
    fetched_bytes: t.Integer({ minimum: 0 }),
    fetch_total_bytes: Unknowable(t.Integer({ minimum: 0 })),
    started_at: Instant,
    updated_at: Instant,
    message: t.String(),
    /** Of the error, when it failed. */
    code: Unknowable(t.String()),
    order: t.Optional(OrderName),
  },
  { additionalProperties: false },
);
export type UpdateProgress = (typeof UpdateProgress)['static'];

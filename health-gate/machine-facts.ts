import { readFileSync } from 'node:fs';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { MACHINE_FACTS_FILE } from '../base/paths.ts';
import { SlotName, Unknowable } from '../base/schema.ts';

/**
 * What only root can see, written by the gate for those who are not root (the agent and its page).
 * One file, replaced as a whole, so a reader never sees half of it.
 */

export const SlotFacts = t.Object({
  slot: SlotName,
  state: t.Union(
    [t.Literal('active'), t.Literal('trial'), t.Literal('standby'), t.Literal('bad'), t.Literal('empty')],
    {
      description:
        'active: committed; trial: being tried; standby: whole, not in use; bad: failed or damaged; empty: no image',
    },
  ),
  running: t.Boolean({ description: 'this boot runs from here' }),
  version: Unknowable(t.String()),
  rootHash: Unknowable(t.String({ description: 'dm-verity root hash, 64 hex digits' })),
  builtAt: Unknowable(t.String({ description: 'RFC 3339' })),
});

const BootStateFacts = t.Object({
  active: SlotName,
  trial: Unknowable(SlotName),
  attempts: t.Integer({ minimum: 0 }),
  good: t.Object({ A: t.Boolean(), B: t.Boolean() }),
  failed: Unknowable(SlotName),
});

const BootStateCondition = t.Union(
  [t.Literal('ok'), t.Literal('damaged'), t.Literal('missing'), t.Literal('unreadable')],
  {
    description:
      'damaged: there, but no boot state; missing: no such file; unreadable: no ESP, or it gives errors',
  },
);

export const MachineFacts = t.Object({
  collectedAt: t.String({ description: 'RFC 3339' }),
  bootState: Unknowable(BootStateFacts),
  bootStateCondition: BootStateCondition,
  /** Which slot runs: command line, then state file, then mounted device. */
  slot: Unknowable(SlotName),
  slotSource: t.Union([t.Literal('command-line'), t.Literal('state-file'), t.Literal('mount'), t.Null()]),
  contradiction: Unknowable(t.String({ description: 'what the sources of the slot disagree about' })),
  /** From the kernel command line. */
  attempt: Unknowable(t.Integer({ minimum: 0 })),
  maxAttempts: t.Integer({ description: 'boots a slot gets before another is taken' }),
  mode: t.Union([t.Literal('normal'), t.Literal('trial'), t.Literal('rescue'), t.Literal('live'), t.Null()]),
  slots: t.Array(SlotFacts, { description: 'A, then B; none on a live boot' }),
  watchdog: t.Object({
    present: t.Boolean(),
    identity: Unknowable(t.String()),
    timeout_s: Unknowable(t.Number()),
    active: Unknowable(t.Boolean({ description: 'counting down now' })),
    armedEarly: t.Boolean({ description: 'armed by the initrd, before the root was looked for' }),
  }),
});

export type MachineFacts = Static<typeof MachineFacts>;
export type SlotFacts = Static<typeof SlotFacts>;

/** The facts that the gate wrote last; null when there are none yet, or what is there is not such a file. */
export function readMachineFacts(path = MACHINE_FACTS_FILE): MachineFacts | null {
  try {
    const facts: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Value.Check(MachineFacts, facts) ? facts : null;
  } catch {
    // Not written yet, or another version's: the reader shows "not known" rather than somebody else's facts.
    return null;
  }
}

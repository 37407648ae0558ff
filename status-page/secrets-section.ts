import { type Static, Type as t } from '@sinclair/typebox';
import { Unknowable } from '../base/schema.ts';
import { ROTATION_NOTICE_DAYS } from './limits.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The secrets that are decrypted on this appliance: their names and what became of them, never a value. */
export const SecretsSection = t.Object({
  problem: Unknowable(t.String({ description: 'what went wrong for all of them' })),
  secrets: t.Array(
    t.Object({
      name: t.String(),
      problem: Unknowable(t.String({ description: 'why it is not there, or not the newest' })),
      rotateBy: Unknowable(t.String({ description: 'RFC 3339: when a new value is due' })),
    }),
  ),
});
export type SecretsSection = Static<typeof SecretsSection>;

/** What a person should see to, one sentence each: what could not be decrypted, and what has to be changed soon. */
export function secretNotices({ problem, secrets }: SecretsSection, now: Date): string[] {
  const notices = problem === null ? [] : [`Secrets: ${problem}`];
  for (const { name, problem: its, rotateBy } of secrets) {
    if (its !== null) notices.push(`Secret ${name}: ${its}`);
    if (rotateBy === null) continue;
    const left_days = Math.floor((Date.parse(rotateBy) - now.getTime()) / DAY_MS);
    if (left_days < 0) notices.push(`Secret ${name} should have been changed ${days(-left_days)} ago.`);
    else if (left_days < ROTATION_NOTICE_DAYS)
      notices.push(`Secret ${name} has to be changed within ${days(left_days + 1)}.`);
  }
  return notices;
}

function days(count: number): string {
  return count === 1 ? 'a day' : `${count} days`;
}

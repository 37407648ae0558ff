import type { MachineFacts } from '../../../health-gate/machine-facts.ts';
import type { Sight } from '../look/sight.ts';
import { age_s, byRoot, isFresh } from './freshness.ts';
import { fails, holds, type Measured, notApplicable, unknown } from './measured.ts';

const DAY_S = 86_400;
/** A release a month, and one that was left out, and room. */
const IMAGE_MAX_AGE_DAYS = 90;

/** The verdict on this boot; one of another boot is history. */
function ownVerdict({ verdict, bootId }: Sight): Sight['verdict'] {
  return verdict?.bootId === bootId ? verdict : null;
}

export function measureVerity(sight: Sight): Measured {
  return byRoot(sight, ({ mounts }) => {
    const root = mounts?.find(({ path }) => path === '/');
    if (root === undefined) return unknown('the mounts cannot be read');
    if (!root.options.includes('ro')) return fails('the system is writable');
    const check = ownVerdict(sight)?.checks.find(({ name }) => name === 'verity-active');
    if (check === undefined || check.outcome === 'skipped') return unknown('the health gate has not looked');
    return check.outcome === 'pass' ? holds('read-only, and verified') : fails(check.message);
  });
}

export function measureJudged(sight: Sight): Measured {
  const verdict = ownVerdict(sight);
  if (verdict === null) return unknown('the health gate has not judged this boot');
  if (verdict.outcome === 'unhealthy') return fails(verdict.reason);
  return ofMachine(sight, ({ slots }) => {
    const running = slots.find(({ running: runs }) => runs);
    if (running === undefined) return notApplicable('no slot runs');
    return running.state === 'active'
      ? holds(`healthy, slot ${running.slot} is committed`)
      : fails(`slot ${running.slot} is ${running.state}`);
  });
}

export function measureFallback(sight: Sight): Measured {
  return ofMachine(sight, ({ slots }) => {
    const other = slots.find(({ running }) => !running);
    if (other === undefined) return notApplicable('there are no slots');
    return other.state === 'standby' || other.state === 'active'
      ? holds(`slot ${other.slot} holds ${other.version ?? 'an image'}`)
      : fails(`slot ${other.slot} is ${other.state}`);
  });
}

export function measureImageAge(sight: Sight): Measured {
  const age = sight.imageBuiltAt === null ? null : age_s(sight, sight.imageBuiltAt);
  if (age === null) return unknown('the image does not say when it was built, or the clock is before that');
  const seen = `built on ${sight.imageBuiltAt?.slice(0, 10)}`;
  return age <= IMAGE_MAX_AGE_DAYS * DAY_S
    ? holds(seen)
    : fails(`${seen}, more than ${IMAGE_MAX_AGE_DAYS} days ago`);
}

export function measureConfiguration({ setupProblems }: Sight): Measured {
  if (setupProblems === null) return unknown('the set-up of this boot left no report');
  return setupProblems.length === 0 ? holds('nothing was wrong') : fails(setupProblems.join(' '));
}

export function measureSecureBoot({ secureBoot }: Sight): Measured {
  if (secureBoot === null) return unknown('the firmware does not say');
  return secureBoot ? holds('switched on') : fails('switched off');
}

export function measureWatchdog(sight: Sight): Measured {
  return ofMachine(sight, ({ watchdog: { present, active, identity } }) => {
    if (!present) return fails('there is none');
    if (active === null) return unknown('the kernel does not say whether it counts');
    return active ? holds(identity ?? 'armed') : fails('it does not count');
  });
}

function ofMachine(sight: Sight, measure: (machine: MachineFacts) => Measured): Measured {
  if (sight.machine === null) return unknown('the health gate has not looked');
  if (!isFresh(sight, sight.machine.collectedAt))
    return unknown('the health gate has not looked for half an hour');
  return measure(sight.machine);
}

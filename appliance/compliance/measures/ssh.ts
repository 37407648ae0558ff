import type { RootSight } from '../look/root-sight.ts';
import type { Sight } from '../look/sight.ts';
import type { Measure } from '../register/measure.ts';
import { byRoot } from './freshness.ts';
import { fails, holds, judge, type Measured, notApplicable, unknown } from './measured.ts';

type Settings = NonNullable<RootSight['ssh']['settings']>;

function ofSsh(sight: Sight, measure: (settings: Settings) => Measured): Measured {
  return byRoot(sight, ({ ssh }) => {
    if (!ssh.on) return notApplicable('SSH is off');
    return ssh.settings === null ? unknown('sshd does not tell its configuration') : measure(ssh.settings);
  });
}

export function measureSshSetting(
  { wants }: Pick<Extract<Measure, { name: 'ssh-setting' }>, 'wants'>,
  sight: Sight,
): Measured {
  return ofSsh(sight, (settings) => {
    const said = Object.entries(wants).map(([name, values]) => ({ name, values, value: settings[name] }));
    return judge(
      said.flatMap(({ name, values, value }) =>
        value === undefined || values.includes(value) ? [] : [`${name} ${value}`],
      ),
      said.flatMap(({ name, value }) => (value === undefined ? [`sshd does not name ${name}`] : [])),
      said.map(({ name, value }) => `${name} ${value}`).join('; '),
    );
  });
}

/** A session is given up after so many questions without an answer (sshd_config(5)); 0 of either means never. */
export function measureSshIdle({ max_s }: { max_s: number }, sight: Sight): Measured {
  return ofSsh(sight, (settings) => {
    const interval = toCount(settings['clientaliveinterval']);
    const count = toCount(settings['clientalivecountmax']);
    if (interval === null || count === null) return unknown('sshd names no interval');
    const end_s = interval * count;
    if (end_s === 0) return fails('dead sessions are never ended');
    return end_s <= max_s ? holds(`ended after ${end_s} s`) : fails(`ended after ${end_s} s`);
  });
}

export function measureSshAttempts(
  { tries_max, grace_max_s }: Pick<Extract<Measure, { name: 'ssh-attempts' }>, 'tries_max' | 'grace_max_s'>,
  sight: Sight,
): Measured {
  return ofSsh(sight, (settings) => {
    const tries = toCount(settings['maxauthtries']);
    const grace_s = toCount(settings['logingracetime']);
    if (tries === null || grace_s === null) return unknown('sshd names no limit');
    const seen = `${tries} tries, ${grace_s === 0 ? 'without end' : `${grace_s} s`}`;
    return tries <= tries_max && grace_s > 0 && grace_s <= grace_max_s ? holds(seen) : fails(seen);
  });
}

function toCount(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

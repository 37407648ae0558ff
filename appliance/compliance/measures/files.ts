import { letsIn } from '../look/accounts.ts';
import type { Sight } from '../look/sight.ts';
import type { Measure } from '../register/measure.ts';
import { byRoot } from './freshness.ts';
import { fails, holds, judge, type Measured, notApplicable, unknown } from './measured.ts';

export function measureMount(
  { path, options }: Pick<Extract<Measure, { name: 'mount' }>, 'path' | 'options'>,
  sight: Sight,
): Measured {
  return byRoot(sight, ({ mounts }) => {
    if (mounts === null) return unknown('the mounts cannot be read');
    const mount = mounts.find((each) => each.path === path);
    if (mount === undefined) return fails(`nothing is mounted at ${path}`);
    const missing = options.filter((option) => !mount.options.includes(option));
    return missing.length > 0
      ? fails(`${path} is mounted without ${missing.join(', ')}`)
      : holds(`${path} is mounted with ${options.join(', ')}`);
  });
}

export function measureFile(
  measure: Omit<Extract<Measure, { name: 'file' }>, 'name'>,
  sight: Sight,
): Measured {
  const { path, mode_max, owners, optional } = measure;
  return byRoot(sight, ({ files }) => {
    const file = files[path];
    if (file === undefined || file === null) return unknown(`${path} could not be looked at`);
    if (file === 'missing')
      return optional ? notApplicable(`there is no ${path}`) : fails(`there is no ${path}`);
    const seen = `${path} belongs to ${file.owner}, mode ${file.mode.toString(8).padStart(4, '0')}`;
    return (file.mode & ~mode_max) === 0 && owners.includes(file.owner) ? holds(seen) : fails(seen);
  });
}

export function measurePrivileged({ accounts }: Sight): Measured {
  if (accounts === null || accounts.length === 0) return unknown('/etc/passwd cannot be read');
  const others = accounts.filter(({ name }) => name !== 'root');
  return judge(
    others.flatMap((account) => [
      ...(account.uid === 0 ? [`${account.name} has user id 0`] : []),
      ...(letsIn(account) ? [`${account.name} has the shell ${account.shell || '/bin/sh'}`] : []),
    ]),
    [],
    `root, and ${others.length} accounts that nobody logs in with`,
  );
}

export function measurePasswords(sight: Sight): Measured {
  return byRoot(sight, ({ passwords }) => {
    if (passwords === null) return unknown('/etc/shadow cannot be read');
    const { set, empty } = passwords;
    return judge(
      [
        ...(empty.length > 0 ? [`with an empty password: ${empty.join(', ')}`] : []),
        ...(set.length > 0 ? [`with a password: ${set.join(', ')}`] : []),
      ],
      [],
      'no account has one',
    );
  });
}

export function measureEncrypted(sight: Sight): Measured {
  return byRoot(sight, ({ encryptedData }) => {
    if (encryptedData === null) return unknown('no data partition is mounted');
    return encryptedData ? holds('on dm-crypt') : fails('not encrypted');
  });
}

/** Part of one from which a person should look. */
const USE_HIGH_RATIO = 0.9;

export function measureSpace({ dataDisk }: Sight): Measured {
  if (dataDisk === null || dataDisk.total_bytes === 0) return unknown('no data partition is mounted');
  const ratio = dataDisk.used_bytes / dataDisk.total_bytes;
  // In steps of ten: the words go into events, and each would be another.
  return ratio >= USE_HIGH_RATIO
    ? fails('more than nine tenths are used')
    : holds(`less than ${Math.floor(ratio * 10) + 1} tenths are used`);
}

import { expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { addRollout, coordinatorOn } from '../../test/coordinator/parts.ts';
import type { Coordinator } from '../context.ts';
import { createAutomatic } from './automatic.ts';
import { addPolicy } from './policies.ts';

const backends = openBackends();

test.each(BACKENDS)(
  'two coordinators that want to begin the same release begin it once (%s)',
  async (backend) => {
    const opened = await backends.open(backend);
    const one = await coordinatorOn(opened);
    await addRollout(one);
    const policy = { kind: 'auto_latest', channel: 'stable' } as const;
    await addPolicy(one, 'test', { name: 'all', cohort: 'all', policy, window: null });
    // Both have looked before either writes: the lease between them is no lock.
    let decided = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const doWork: Coordinator['doWork'] = async (act) => {
      decided += 1;
      if (decided === 2) resolve();
      await promise;
      return await one.doWork(act);
    };
    await Promise.all([1, 2].map(() => createAutomatic({ ...one, doWork }).look()));
    expect(decided).toBe(2);
    const begun = await opened.database
      .selectFrom('rollouts')
      .select(['version', 'wish'])
      .where('origin', '=', 'auto_latest')
      .execute();
    expect(begun).toEqual([{ version: '1.1.0', wish: 'running' }]);
  },
);

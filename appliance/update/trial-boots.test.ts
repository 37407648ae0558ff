import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { type BootLog, bootLogFileName, renderBootLog } from '../boot-log/boot-log.ts';
import { trialBoots } from './trial-boots.ts';

const PENDING = { slot: 'B', version: '1.3.0', boot_id: 'arming' } as Parameters<typeof trialBoots>[1];

const LOG: BootLog = {
  ...{ number: 1, at: '2026-11-21T10:02:00.000Z', slot: 'B', attempt: 1, mode: 'trial', version: '1.3.0' },
  ...{ bootId: 'trial', ending: 'panic', cut: false, damaged: false, lines: ['Kernel panic - not syncing'] },
};

function folderOf(...logs: Partial<BootLog>[]): string {
  const folder = makeFolder('trial-boots');
  for (const [index, log] of logs.entries()) {
    const whole = { ...LOG, ...log, number: index + 1 };
    writeFileSync(join(folder, bootLogFileName(whole)), renderBootLog(whole));
  }
  return folder;
}

test('the boots of a trial are told with their endings, those of other boots are not', () => {
  const folder = folderOf(
    { bootId: 'earlier', lines: ['an earlier trial of the same version'] },
    { bootId: 'arming', slot: 'A', mode: 'normal', version: '1.2.0', ending: 'clean' },
    { version: '1.2.9', lines: ['another release'] },
    { attempt: 1, ending: 'stopped', at: '2001-01-01T00:00:00.000Z', lines: ['hung'] },
    { attempt: 2, version: null, at: null },
  );
  expect(trialBoots(folder, PENDING)).toEqual([
    { attempt: 1, ending: 'stopped: it hung or was reset', lines: ['hung'] },
    { attempt: 2, ending: 'ended in a panic', lines: ['Kernel panic - not syncing'] },
  ]);
});

test('without logs there are no boots to tell of', () => {
  expect(trialBoots(join(makeFolder('trial-boots'), 'none'), PENDING)).toEqual([]);
});

test('logs that cannot be read are said instead of being passed over', () => {
  const file = join(makeFolder('trial-boots'), 'file');
  writeFileSync(file, '');
  expect(trialBoots(file, PENDING)).toEqual([
    { attempt: null, ending: 'left a log that cannot be read', lines: [expect.stringContaining(file)] },
  ]);
});

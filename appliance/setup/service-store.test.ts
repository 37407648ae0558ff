import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { run } from '../../base/run.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { findStoreFolder } from '../facts/store-folder.ts';
import { mountServiceStore, type ServiceStore } from './service-store.ts';

const MIB = 1024 * 1024;
const AGENT = { uid: 990, gid: 991 };
const canMount = process.getuid?.() === 0;
const mounted: string[] = [];
const sh = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });
afterEach(() => {
  for (const path of mounted.splice(0)) sh('umount', path);
});

/** A data partition in a folder, with the real tools. */
function store(changed: Partial<ServiceStore> = {}): ServiceStore {
  const root = makeFolder('store');
  const data = join(root, 'data');
  mkdirSync(data);
  const places = { image: join(data, 'agent.img'), mountPoint: join(root, 'agent') };
  return {
    ...{ ...places, owner: AGENT, run, size_bytes: 16 * MIB, leaves_bytes: MIB },
    ...{ label: 'BULKHEAD-AGENT', whenDamaged: 'remove', ...changed },
  };
}

/** As the unit does it. */
async function start(which: ServiceStore) {
  const outcome = await mountServiceStore(which);
  if (outcome.how !== 'mounted') mounted.push(which.mountPoint);
  return outcome;
}

function stop({ mountPoint }: ServiceStore): void {
  sh('umount', mountPoint);
  mounted.splice(mounted.indexOf(mountPoint), 1);
}

describe.skipIf(!canMount)('the place of a service', () => {
  test('is made on the first boot, is its own, and keeps what is in it', async () => {
    const place = store();
    expect(await start(place)).toEqual({ how: 'made', reason: null });
    const { uid, gid } = statSync(place.mountPoint);
    expect({ uid, gid }).toEqual(AGENT);
    // Nobody but root gets at the file behind it.
    expect(statSync(place.image).mode & 0o777).toBe(0o600);
    writeFileSync(join(place.mountPoint, 'kept'), 'what waits');
    expect(await start(place)).toEqual({ how: 'mounted', reason: null });
    stop(place);
    expect(await start(place)).toEqual({ how: 'kept', reason: null });
    expect(readFileSync(join(place.mountPoint, 'kept'), 'utf8')).toBe('what waits');
    expect(findStoreFolder('/proc', place.mountPoint)).toBe(place.mountPoint);
  });

  test('has all its blocks, so that a full data partition takes none of them away', async () => {
    const place = store();
    await start(place);
    const { blocks, size } = statSync(place.image);
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
  });

  test('runs nothing and has no devices, and is full when it is full', async () => {
    const place = store();
    await start(place);
    const line = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((each) => each.includes(` ${place.mountPoint} `));
    expect(line?.split(' ')[5]?.split(',')).toEqual(expect.arrayContaining(['nosuid', 'nodev', 'noexec']));
    const fill = () => writeFileSync(join(place.mountPoint, 'filler'), new Uint8Array(17 * MIB));
    expect(fill).toThrow(/ENOSPC/);
  });

  test('that is damaged is mended where it can be', async () => {
    const place = store();
    await start(place);
    writeFileSync(join(place.mountPoint, 'kept'), 'what waits');
    stop(place);
    // What e2fsck -p leaves to a person, and -y mends: lost+found is no folder any more.
    for (const command of ['sif <11> mode 0', 'ssv state 0']) sh('debugfs', '-w', '-R', command, place.image);
    const { how, reason } = await start(place);
    expect([how, reason]).toEqual(['repaired', expect.stringMatching(/^e2fsck -p ended with 4/)]);
    expect(readFileSync(join(place.mountPoint, 'kept'), 'utf8')).toBe('what waits');
  });

  test.each([
    [
      'is no file system',
      (image: string) => writeFileSync(image, new Uint8Array(16 * MIB).fill(0x41)),
      'e2fsck -y',
    ],
    ['was cut off', (image: string) => truncateSync(image, 5 * MIB), 'is no file of 16.0 MiB'],
    ['is of another size', (image: string) => truncateSync(image, 32 * MIB), 'is no file of 16.0 MiB'],
  ])('that %s is made anew, and says why', async (_, damage, words) => {
    const place = store();
    await start(place);
    stop(place);
    damage(place.image);
    const { how, reason } = await start(place);
    expect(how).toBe('anew');
    expect(reason).toContain(words);
    expect(readdirSync(place.mountPoint)).toEqual(['lost+found']);
  });

  test('is put aside once when it cannot be mended, where a person may want to look', async () => {
    const place = store({ whenDamaged: 'put_aside' });
    await start(place);
    stop(place);
    for (const words of ['first', 'second']) {
      writeFileSync(place.image, words);
      expect((await start(place)).how).toBe('anew');
      stop(place);
      expect(readFileSync(`${place.image}.damaged`, 'utf8')).toBe('first');
    }
  });

  test('is made again after an interruption in the middle of making it', async () => {
    const place = store();
    writeFileSync(`${place.image}.new`, 'half');
    expect(await start(place)).toEqual({ how: 'made', reason: null });
    expect(existsSync(`${place.image}.new`)).toBe(false);
  });

  test('is not made where the data partition needs its room', async () => {
    const place = store({ leaves_bytes: Number.MAX_SAFE_INTEGER / 2 });
    await expect(start(place)).rejects.toMatchObject({ code: 'STORE_NO_ROOM' });
    expect(existsSync(place.image)).toBe(false);
    expect(findStoreFolder('/proc', place.mountPoint)).toBeNull();
  });
});

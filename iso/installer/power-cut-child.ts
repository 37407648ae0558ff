import { run } from '../../base/run.ts';
import type { BlockDevice, OpenBlockDevice } from './block-device.ts';
import { openBlockDevice } from './block-device.ts';
import { install } from './install.ts';
import { type Lab, labEffects, labRequest } from './loop-lab.ts';

/**
 * For power-cut.test.ts: an installation that kills itself (SIGKILL, so nothing is tidied up) right before its n-th effect:
 * a program started, a transfer, a flush. Prints `step number` for each effect, so that the test knows them all.
 *
 *   bun power-cut-child.ts LAB_JSON DISK CUT_AT WISHES_JSON      CUT_AT 0: never
 */
const [labJson = '{}', disk = '', cutAt = '0', wishesJson = '{}'] = process.argv.slice(2);
const lab = { ...(JSON.parse(labJson) as Omit<Lab, 'remove'>), remove: () => undefined };

let step = 'look';
let count = 0;
function beforeEffect(): void {
  count += 1;
  console.log(`${step} ${count}`);
  if (count === Number(cutAt)) process.kill(process.pid, 'SIGKILL');
}

const open: OpenBlockDevice = (path, access) => {
  const device = openBlockDevice(path, access);
  const counted = <Rest extends unknown[], T>(act: (...rest: Rest) => Promise<T>) => {
    return (...rest: Rest): Promise<T> => {
      beforeEffect();
      return act(...rest);
    };
  };
  const wrapped: BlockDevice = {
    ...device,
    read: counted(device.read),
    write: counted(device.write),
    flush: counted(device.flush),
  };
  return wrapped;
};

await install(
  labRequest(lab, disk, { wishes: { target: disk, ...JSON.parse(wishesJson) } }),
  labEffects(lab, {
    open,
    run: (program, args, options) => {
      beforeEffect();
      return run(program, args, options);
    },
    emit: (event) => {
      if (event.event === 'step' && event.state === 'started') step = event.step;
    },
  }),
  { dryRun: false, next: '' },
);

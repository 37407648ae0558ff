import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import type { Disk } from '../../partitions/disks.ts';
import { FONT_ROWS, renderBanner, wordDots } from './banner.ts';
import type { InstallEvent } from './events.ts';
import { describeFailure } from './failure.ts';
import { checkHardware } from './hardware.ts';
import { renderLines } from './lines.ts';
import { bar, renderScreen, wrap } from './screen.ts';
import { EMPTY_VIEW, nextView } from './view.ts';

const TARGET: Disk = {
  name: 'mmcblk0',
  kind: 'disk',
  transport: 'mmc',
  size_bytes: 15_758_000_128,
  sector_bytes: 512,
  removable: true,
  readOnly: false,
  model: 'DG4016',
  serial: '0x1a2b3c4d',
  partitions: [],
  holders: [],
  mounts: [],
};

const CHOSEN: InstallEvent = {
  event: 'chosen',
  version: '1.2.3',
  machine: 'HP, HP t640 Thin Client',
  target: TARGET,
};
const RUNNING: InstallEvent[] = [
  { event: 'step', step: 'look', state: 'started' },
  { event: 'note', text: 'configuration: /dev/sda (BULKHEAD): config.yaml' },
  { event: 'step', step: 'look', state: 'done' },
  CHOSEN,
  { event: 'step', step: 'identity', state: 'skipped' },
  { event: 'step', step: 'wipe', state: 'started' },
  { event: 'step', step: 'wipe', state: 'done' },
  { event: 'step', step: 'table', state: 'done' },
  { event: 'step', step: 'slot', state: 'started' },
  { event: 'progress', step: 'slot', done_bytes: 99e6, total_bytes: 220e6, bytes_per_s: 61e6, left_s: 2 },
];

function refusal(): InstallEvent {
  try {
    checkHardware({ vendor: 'LENOVO', product: 'ThinkCentre M75n' }, 'listed');
  } catch (error) {
    return describeFailure('look', error);
  }
  throw new Error('not refused');
}

/** What is on the screen, without colours. */
function shown(events: InstallEvent[], columns = 80, rows = 25): string[] {
  const view = events.reduce(nextView, EMPTY_VIEW);
  return renderScreen(view, { columns, rows })
    .split('\r\n')
    .map((line) => stripVTControlCharacters(line).trimEnd());
}

describe('the screen', () => {
  it('shows while working what is done, what runs, and how far it is', () => {
    expect(shown(RUNNING).join('\n').trimEnd()).toBe(`
  Bulkhead installer 1.2.3
  HP, HP t640 Thin Client
  onto /dev/mmcblk0  15.8 GB  mmc  DG4016  serial 0x1a2b3c4d

  [x] Look at this machine
  [-] Keep the identity
  [x] Wipe old tables
  [x] Write the partition table
  [>] Write slot A
  [ ] Read slot A back and compare
  [ ] Install the boot loader
  [ ] Make the data partition
  [ ] Check everything from the disk
  [ ] Mark as complete

  [#################################.........................................]
   45 %  94.4 MiB of 209.8 MiB  58.2 MiB/s  2 s left

  configuration: /dev/sda (BULKHEAD): config.yaml`);
  });

  it('shows a refusal in letters that can be read from two metres, with the reason and what to do below', () => {
    expect(shown([refusal()]).join('\n')).toBe(`                #   # ####   ###  #   #  ###
                #   # #   # #   # ##  # #   #
                #   # #   # #   # # # # #
                # # # ####  #   # #  ## # ###
                # # # # #   #   # #   # #   #
                ## ## #  #  #   # #   # #   #
                #   # #   #  ###  #   #  ####

                #   #  ###  ####  ####  #   #  ###  ####  #####
                #   # #   # #   # #   # #   # #   # #   # #
                #   # #   # #   # #   # #   # #   # #   # #
                ##### ##### ####  #   # # # # ##### ####  ####
                #   # #   # # #   #   # # # # #   # # #   #
                #   # #   # #  #  #   # ## ## #   # #  #  #
                #   # #   # #   # ####  #   # #   # #   # #####
  this machine is 'LENOVO, ThinkCentre M75n'; this image is for HP t640, HP
  t740, QEMU
  What to do: take the stick to the right machine, or put 'install: {hardware:
  any}' into config.yaml on the stick (or bulkhead.hardware=any on the kernel
  command line) to install anyway
  Step: Look at this machine.  Code: INSTALL_HARDWARE_REFUSED.



`);
  });

  it('is red for a failure, green for a success, blue before', () => {
    const colour = (events: InstallEvent[]) => {
      const text = renderScreen(events.reduce(nextView, EMPTY_VIEW), { columns: 80, rows: 25 });
      return ['41', '42', '44'].filter((code) => text.includes(`[97;${code}m`)).join();
    };
    const finished: InstallEvent = {
      event: 'finished',
      version: '1',
      target: '/dev/sda',
      seconds: 65,
      next: 'Go.',
    };
    expect([colour(RUNNING), colour([refusal()]), colour([finished])]).toEqual(['44', '41', '42']);
    expect(shown([CHOSEN, finished]).join('\n')).toContain(
      'Bulkhead 1 is installed on /dev/sda (1 min 5 s).',
    );
  });

  it('keeps reason and advice readable on every screen down to 40 by 15', () => {
    for (const [columns, rows] of [
      [40, 15],
      [64, 24],
      [80, 25],
      [100, 37],
      [120, 33],
      [240, 67],
    ] as const) {
      const text = shown([refusal()], columns, rows).join(' ').replace(/\s+/g, ' ');
      expect(text, `${columns}x${rows}`).toContain("this machine is 'LENOVO, ThinkCentre M75n'");
      expect(text, `${columns}x${rows}`).toContain('Code: INSTALL_HARDWARE_REFUSED.');
    }
  });

  it('fills exactly the screen, in ASCII, whatever the events say', () => {
    const event = fc.oneof(
      fc.constantFrom<InstallEvent>(...RUNNING),
      fc.string({ unit: 'binary', maxLength: 300 }).map((text): InstallEvent => ({ event: 'note', text })),
      fc.string({ unit: 'binary', maxLength: 600 }).map((text) => describeFailure('slot', new Error(text))),
      fc.constant(refusal()),
    );
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 40 }),
        fc.integer({ min: 20, max: 250 }),
        fc.integer({ min: 5, max: 80 }),
        (events, columns, rows) => {
          const text = renderScreen(events.reduce(nextView, EMPTY_VIEW), { columns, rows });
          const lines = text.split('\r\n').map((line) => stripVTControlCharacters(line));
          expect(lines.length).toBe(rows);
          for (const line of lines) {
            expect(line).toMatch(new RegExp(`^[\\x20-\\x7e]{${columns}}$`));
          }
        },
      ),
    );
  });
});

describe('a banner', () => {
  it('grows with the screen and stays inside it', () => {
    const widths = [48, 100, 150, 240].map((columns) =>
      Math.max(...renderBanner('HARDWARE', columns, 40).map((line) => line.length)),
    );
    expect(widths).toEqual([47, 94, 141, 188]);
    expect(renderBanner('DONE', 240, 40).length).toBe(2 * FONT_ROWS);
  });

  it('has a letter for each that a headline uses, all different', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map((letter) => wordDots(letter).join('\n'));
    expect(new Set(letters).size).toBe(26);
    expect(letters.every((letter) => letter.includes('#'))).toBe(true);
  });
});

describe('plain lines', () => {
  it('start with words that a program can wait for', () => {
    expect(renderLines({ event: 'step', step: 'slot', state: 'started' })).toBe(
      'bulkhead-install: started slot: Write slot A\n',
    );
    expect(
      renderLines({ event: 'finished', version: '1.2.3', target: '/dev/sda', seconds: 42, next: 'Off.' }),
    ).toBe('bulkhead-install: finished 1.2.3 on /dev/sda after 42 s. Off.\n');
    const lines = renderLines(refusal()).split('\n');
    expect(lines).toContain('bulkhead-install: failed INSTALL_HARDWARE_REFUSED in step look');
    expect(Math.max(...lines.slice(0, 18).map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('tell progress with what is left only when it is known', () => {
    const progress = {
      event: 'progress',
      step: 'slot',
      total_bytes: 100,
      bytes_per_s: 0,
      left_s: null,
    } as const;
    expect(renderLines({ ...progress, done_bytes: 0 })).toBe(
      'bulkhead-install: slot:   0 %  0 B of 100 B  0 B/s\n',
    );
    expect(renderLines({ ...progress, done_bytes: 99, bytes_per_s: 9, left_s: 1 })).toContain(
      ' 99 %  99 B of 100 B  9 B/s  1 s left',
    );
  });
});

describe('a failure', () => {
  it('says everything of an error: code, reason with its causes, hint and what to do', () => {
    const cause = new Error('EIO: i/o error');
    expect(
      describeFailure('slot', new BulkheadError('INSTALL_DISK_ERROR', '/dev/sda: cannot write', { cause })),
    ).toEqual({
      event: 'failed',
      step: 'slot',
      code: 'INSTALL_DISK_ERROR',
      headline: 'BAD DISK',
      reason: '/dev/sda: cannot write (because: EIO: i/o error)',
      advice:
        'The disk or the stick reports errors. Replace it, or start again to see whether it does so every time.',
    });
  });

  it('that nobody foresaw still has words', () => {
    expect(describeFailure('data', new TypeError('x is undefined'))).toMatchObject({
      code: 'INSTALL_FAILED',
      headline: 'FAILED',
      reason: 'x is undefined',
    });
  });
});

it('a bar is empty, full, or in between, and never longer than asked', () => {
  expect([bar(0, 12), bar(0.5, 12), bar(1, 12), bar(7, 12)]).toEqual([
    '[..........]',
    '[#####.....]',
    '[##########]',
    '[##########]',
  ]);
});

it('wrapping loses no word and makes no line too long', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.integer({ min: 1, max: 60 }), (text, columns) => {
      const lines = wrap(text, columns);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
    }),
  );
});

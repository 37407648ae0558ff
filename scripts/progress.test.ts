import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Progress, type ProgressView, readProgress, renderProgress } from './progress.ts';

const VIEW: ProgressView = {
  ...{ number: 2, of: 4, title: 'Installing', elapsed_s: 63, expected_s: 100 },
  ...{ percent: 45, detail: 'slot: 45 % of 220 MiB' },
};

test('a line says what, how far, how long and how long still', () => {
  expect(renderProgress(VIEW, 200)).toBe(
    '[2/4] Installing · 45 % · 1 min 3 s, about 37 s left · slot: 45 % of 220 MiB',
  );
});

test('what takes longer than last time promises nothing', () => {
  expect(renderProgress({ ...VIEW, elapsed_s: 120, percent: undefined, detail: '' }, 200)).toBe(
    '[2/4] Installing · 2 min',
  );
});

test('a line never wraps', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.string(), (columns, detail) => {
      expect(renderProgress({ ...VIEW, detail }, columns).length).toBeLessThanOrEqual(columns);
    }),
  );
});

test('the detail is the last line said, with the percentage in it', () => {
  expect(readProgress('first\nbulkhead-install: slot:  45 %  99 MiB\n\n')).toEqual({
    detail: 'bulkhead-install: slot:  45 %  99 MiB',
    percent: 45,
  });
  expect(readProgress('')).toEqual({ detail: '', percent: undefined });
  expect(readProgress('grew by 300 %').percent).toBeUndefined();
  expect(readProgress('0.5 %').percent).toBeUndefined();
});

test('a terminal gets one line redrawn, a log gets whole lines', async () => {
  const terminal = await outputOf(true);
  expect(terminal).toContain('\r\x1b[2K[1/2] Building');
  const log = await outputOf(false);
  expect(log).not.toContain('\r');
  expect(log).toBe('[1/2] Building · 0 s · compiling\n[1/2] Building · done in 0 s\n');
});

test('a step that turns out to be needed is counted from then on', async () => {
  const output = new Written(false);
  const progress = new Progress(output, 2);
  await progress.step('Building', {}, async () => {});
  progress.addStep();
  await progress.step('Installing', {}, async () => {});
  expect(output.text).toContain('[1/2] Building · done');
  expect(output.text).toContain('[2/3] Installing · done');
});

test('a step that fails leaves no half line behind', async () => {
  const output = new Written(true);
  const progress = new Progress(output, 1);
  const work = () => Promise.reject(new Error('broken'));
  await expect(progress.step('Building', {}, work)).rejects.toThrow('broken');
  expect(output.text.endsWith('\r\x1b[2K')).toBe(true);
});

/** An output that remembers. */
class Written {
  text = '';
  constructor(readonly isTTY: boolean) {}
  write(text: string): void {
    this.text += text;
  }
}

async function outputOf(isTTY: boolean): Promise<string> {
  const output = new Written(isTTY);
  await new Progress(output, 2).step('Building', { said: () => 'compiling\n' }, async () => {});
  return output.text;
}

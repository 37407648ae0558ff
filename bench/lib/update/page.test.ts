import { describe, expect, test } from 'vitest';
import { renderPage } from './page.ts';
import type { ContestantResult, Measurement, UpdateResults, VariantResult } from './results.ts';
import { judge } from './verdicts.ts';

const run = (seconds: number, peak_mb = 60): Measurement => ({
  ...{
    seconds,
    processor_s: seconds,
    peak_bytes: peak_mb * 1e6,
    written_bytes: 1e6,
    fetched_bytes: 10,
    load: 1,
  },
});

function contestant(
  name: string,
  kind: ContestantResult['kind'],
  fetched_bytes: number,
  runs: Measurement[] = [],
) {
  return { name, kind, fetched_bytes, runs, how: 'run', note: `note of ${name}` } satisfies ContestantResult;
}

function results(contestants: ContestantResult[], id: VariantResult['id'] = 'lengths'): UpdateResults {
  const variant: VariantResult = {
    ...{ id, title: `title of ${id}`, change: 'a change', changed_files: 1, changed_bytes: 2 },
    ...{ base_bytes: 3, target_bytes: 4, new_blocks: 5, contestants },
  };
  return {
    host: {
      ...{
        date: '2026-11-21',
        revision: 'abc',
        cpu: 'a processor',
        cores: 2,
        memory_bytes: 1e9,
        kernel: '6.12',
      },
      ...{ qemu: '7.2', accelerator: 'tcg', load_before: [0.1], machines_before: 0 },
    },
    tools: [{ name: 'zstd', version: '1.5' }],
    device: { backing: 'loop', size_bytes: 4096 },
    ...{ runs: 3, zstd_level: 19, variants: [variant], killed: [] },
  };
}

const verdict = (given: UpdateResults, target: RegExp) => judge(given).find((one) => target.test(one.target));

describe('a verdict', () => {
  test('on speed compares medians with the plain pipe', () => {
    const pipe = contestant('zstd -d | dd', 'full', 10, [run(1), run(1), run(9)]);
    const ours = (seconds: number) =>
      contestant('Bulkhead, full', 'full', 10, [run(seconds), run(0.1), run(seconds)]);
    expect(verdict(results([ours(1.15), pipe]), /plain pipe/)).toMatchObject({ met: true, measured: '1.15' });
    expect(verdict(results([ours(1.2), pipe]), /plain pipe/)).toMatchObject({ met: false, measured: '1.20' });
  });

  test('on memory takes the worst run, not the median', () => {
    const ours = contestant('Bulkhead, full', 'full', 10, [run(1, 50), run(1, 50), run(1, 65)]);
    expect(verdict(results([ours]), /peak memory/)).toMatchObject({ met: false, measured: '65.0 MB' });
  });

  test('on an application change compares with the best of the others that know both sides', () => {
    const others = [
      contestant('xdelta3', 'delta', 100),
      contestant('bsdiff', 'delta', 80),
      contestant('casync', 'blocks', 1),
    ];
    expect(
      verdict(results([contestant('Bulkhead, delta', 'delta', 120), ...others]), /best binary diff/)?.met,
    ).toBe(true);
    expect(
      verdict(results([contestant('Bulkhead, delta', 'delta', 121), ...others]), /best binary diff/)?.met,
    ).toBe(false);
  });

  test('on one file holds all bytes against the limit', () => {
    expect(
      verdict(results([contestant('Bulkhead, delta', 'delta', 4097)], 'one-file'), /one changed file/)?.met,
    ).toBe(false);
    expect(
      verdict(results([contestant('Bulkhead, delta', 'delta', 4096)], 'one-file'), /one changed file/)?.met,
    ).toBe(true);
  });

  test('on a killed transfer takes the worst place', () => {
    const killed = [
      { at_bytes: 1, repeated_bytes: 5 },
      { at_bytes: 2, repeated_bytes: 2_000_000 },
    ];
    expect(verdict({ ...results([]), killed }, /killed/)?.met).toBe(false);
  });

  test('is not given on what was not measured', () => {
    expect(judge(results([])).map(({ target }) => target)).toEqual(['never larger than the full payload']);
  });
});

test('the page has every contestant, its note, and the spread of what was timed', () => {
  const page = renderPage(
    results([
      contestant('Bulkhead, full', 'full', 1_234_567, [run(1), run(3), run(2)]),
      contestant('xdelta3', 'delta', 77),
    ]),
  );
  expect(page).toContain('| Bulkhead, full | 1,234,567 |');
  expect(page).toContain('2.00 (1.00 to 3.00)');
  expect(page).toContain('* **xdelta3** (run): note of xdelta3.');
  expect(page).not.toContain('QUICK');
});

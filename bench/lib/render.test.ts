import { expect, test } from 'vitest';
import { parseSteps } from './builds.ts';
import { BEGIN_MARKER, END_MARKER, renderMarkdown, renderText, replaceNumbers } from './render.ts';
import type { Section } from './report.ts';

const SECTIONS: Section[] = [
  {
    title: 'Size',
    rows: [
      ['ISO', '134.6 MB', 'below the target'],
      ['slot image', '259.2 MB', ''],
    ],
  },
  { title: 'Build', rows: [['again', '54 s', 'a | b']] },
];

test('a person sees columns', () => {
  expect(renderText(SECTIONS)).toBe(
    [
      'Size',
      '  ISO         134.6 MB  below the target',
      '  slot image  259.2 MB',
      '',
      'Build',
      '  again       54 s      a | b',
      '',
    ].join('\n'),
  );
});

test('on a page, what a note says cannot end its cell', () => {
  expect(renderMarkdown(SECTIONS)).toContain('| again | 54 s | a \\| b |');
});

test('new numbers replace the old ones between the markers and nothing else', () => {
  const page = `# Numbers\n\nWhy.\n\n${BEGIN_MARKER}\nold\n${END_MARKER}\n\nMore.\n`;
  const once = replaceNumbers(page, 'new');
  expect(once).toBe(`# Numbers\n\nWhy.\n\n${BEGIN_MARKER}\n\nnew\n\n${END_MARKER}\n\nMore.\n`);
  expect(replaceNumbers(once ?? '', 'new')).toBe(once);
});

test('a page without markers is left alone', () => {
  expect(replaceNumbers('# Numbers\n', 'new')).toBeUndefined();
  expect(replaceNumbers(`${END_MARKER}${BEGIN_MARKER}`, 'new')).toBeUndefined();
});

test('the steps of a build are read from what it prints, repeated ones added up', () => {
  const printed = [
    '  … program      bun build --compile',
    '  ✓ program      105.5 MiB (1.7 s)',
    '  ✓ root tree    base, overlay, program (2.1 s)',
    '  ✓ ISO          128.4 MiB (48.9 s)',
    '  ✓ ISO          128.4 MiB (0.1 s)',
  ].join('\n');
  expect(parseSteps(printed)).toEqual({ program: 1.7, 'root tree': 2.1, ISO: 49 });
});

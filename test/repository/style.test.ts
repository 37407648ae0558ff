import { expect, test } from 'vitest';
import { isCode, isGenerated, isTest, listFiles, readText, withoutComments } from './tree.ts';

/** Over this a module is two things (ARCHITECTURE.md is the map of where the second one goes). */
const LINES_MAX = 300;
/** A test is a list of promises, read one at a time. */
const TEST_LINES_MAX = 500;
/** Files that may be longer, each with its reason. */
const LONGER: Readonly<Record<string, string>> = {
  'status-page/example-status.ts': 'whole appliances as data, read one after the other',
};

/** What may stand between dots: kebab-case; names that others prescribe are listed. */
const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const PRESCRIBED = /^(README|ARCHITECTURE|LICENSE|CHANGELOG)(\.md)?$|^Dockerfile$/;

/** Names what it forbids. */
const SELF = 'test/repository/style.test.ts';

const code = (await listFiles()).filter((file) => isCode(file) && !isGenerated(file));

test('no module is longer than it can be read in one go', () => {
  const long = code.filter((file) => lineCount(file) > linesMax(file) && !(file in LONGER));
  expect(long.map((file) => `${file}: ${lineCount(file)} lines`)).toEqual([]);
});

test('every exception from the length is still one', () => {
  for (const file of Object.keys(LONGER)) expect(lineCount(file), file).toBeGreaterThan(linesMax(file));
});

test('files and folders are named in kebab-case', () => {
  const wrong = code.filter((file) =>
    file
      .split('/')
      .some((name) => !PRESCRIBED.test(name) && !name.split('.').every((part) => NAME.test(part))),
  );
  expect(wrong).toEqual([]);
});

test.each([
  ['any', /(?:[:<,|&(]|\bas)\s*any\b(?!\s*['"(])/],
  ['a switched-off type check', /@ts-(?:ignore|nocheck|expect-error)/],
  ['a default export', /^export default /m],
  ['a test that does not run, or runs alone', /\b(?:test|it|describe)\.(?:skip|only|todo)\b/],
])('no module contains %s', (_, pattern) => {
  // A switched-off check is a comment; everything else is looked for in code only.
  const text = (file: string) =>
    pattern.source.startsWith('@ts') ? readText(file) : withoutTexts(readText(file));
  const allowed = ['vitest.config.ts', SELF];
  expect(code.filter((file) => !allowed.includes(file) && pattern.test(text(file)))).toEqual([]);
});

test('no error is swallowed without a word on why', () => {
  const silent = /catch\s*(?:\([^)]*\))?\s*\{\s*\}|\.catch\(\(\) => (?:\{\s*\}|undefined)\)(?!.*\/\/)/;
  const explained = /\/\/[^\n]*\n[^\n]*$/;
  const wrong = code.filter((file) => {
    if (file === SELF || isTest(file)) return false;
    const text = readText(file);
    const found = silent.exec(text);
    return found && !explained.test(text.slice(0, found.index));
  });
  expect(wrong).toEqual([]);
});

test('relative imports name the file with its ending', () => {
  const wrong = code.filter((file) =>
    /from '\.{1,2}\/[^']*(?<!\.(?:ts|tsx|mjs|json))'/.test(withoutComments(readText(file))),
  );
  expect(wrong).toEqual([]);
});

test('the tree names no place of the machine it was written on', async () => {
  const files = (await listFiles()).filter((file) => /\.(ts|tsx|mjs|md|json|sh|cfg|yaml|txt)$/.test(file));
  const place = /(?<![\w.)}*-])\/(?:home\/\w+|work|Users)\//;
  const wrong = files.filter((file) => file !== SELF && place.test(readText(file)));
  expect(wrong).toEqual([]);
});

function linesMax(file: string): number {
  return isTest(file) ? TEST_LINES_MAX : LINES_MAX;
}

function lineCount(file: string): number {
  return readText(file).split('\n').length - 1;
}

/** Code without comments and without the content of texts. */
function withoutTexts(text: string): string {
  return withoutComments(text).replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''");
}

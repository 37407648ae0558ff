import type { ErrorUse } from './error-codes.ts';
import { findErrorUses } from './error-codes.ts';
import { partOf } from './imports.ts';
import { isCode, isTest, listFiles, readText } from './tree.ts';

/** docs/reference/errors.md, made from the code. */
export const ERRORS_PAGE = 'docs/reference/errors.md';

const HEAD = `# Error codes

Every error that Bulkhead reports carries a fixed code: on the command line, in the journal, in JSON answers and in the verdicts of
the health gate. Codes do not change; messages may. \`…\` stands for what is filled in. An empty field means that the words come from
the place where the error happens, or that the message says it all.

This page is made from the code by \`npx bun scripts/list-error-codes.ts --write\`; a test holds the two together.
`;

const PARTS: Readonly<Record<string, string>> = {
  appliance: 'The program on the appliance',
  base: 'Programs, files and signatures',
  coordinator: 'Coordinator',
  'health-gate': 'Health gate',
  iso: 'Image and installer',
  partitions: 'Disk and boot state',
  protocol: 'Between appliance and coordinator',
  scripts: '`npm start` and the build',
  'status-page': 'Status page',
  test: 'Boot-test harness',
  bench: 'Benchmarks',
  updater: 'Updates',
};

/** The page for the code as it is now. */
export async function currentErrorsPage(): Promise<string> {
  const files = (await listFiles()).filter((file) => isCode(file) && !isTest(file));
  return renderErrorsPage(findErrorUses(new Map(files.map((file) => [file, readText(file)]))));
}

/** One table per part, codes in alphabetical order. A code that two parts use stands where it was found first. */
export function renderErrorsPage(uses: readonly ErrorUse[]): string {
  const codes = Map.groupBy(uses, (use) => use.code);
  const parts = Map.groupBy([...codes.keys()].sort(), (code) => homeOf(codes.get(code) ?? []));
  const sections = [...parts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([part, listed]) =>
      [
        `## ${PARTS[part] ?? part}`,
        '',
        '| code | message | what to do |',
        '| --- | --- | --- |',
        ...listed.map((code) => renderRow(code, codes.get(code) ?? [])),
        '',
      ].join('\n'),
    );
  return `${HEAD}\n${sections.join('\n')}`;
}

/** Where it is created, so where it has words; a part that only looks for a code is not its home. */
function homeOf(uses: readonly ErrorUse[]): string {
  const [use] = [...uses].sort((a, b) => Number(b.message !== '') - Number(a.message !== ''));
  return partOf(use?.file ?? '') ?? '';
}

function renderRow(code: string, uses: readonly ErrorUse[]): string {
  const cell = (texts: string[]) =>
    [...new Set(texts.filter((text) => text !== ''))].map((text) => text.replaceAll('|', '\\|')).join('<br>');
  return `| \`${code}\` | ${cell(uses.map((use) => use.message))} | ${cell(uses.map((use) => use.hint))} |`;
}

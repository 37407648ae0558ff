import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { currentErrorsPage, ERRORS_PAGE } from './error-page.ts';
import { listFiles, ROOT, readText } from './tree.ts';

const pages = (await listFiles()).filter((file) => file.endsWith('.md'));

test('links between pages lead somewhere', () => {
  const broken = pages.flatMap((page) =>
    linksOf(readText(page))
      .filter((link) => !leadsSomewhere(page, link))
      .map((link) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test('files that the docs name in code marks exist', () => {
  // A path with a folder of ours in front; patterns and examples with capitals or dots are not paths.
  const path =
    /`((?:appliance|base|bench|coordinator|docs|health-gate|iso|partitions|protocol|scripts|status-page|test|updater)\/[\w./-]*\w)`/g;
  const missing = pages.flatMap((page) =>
    [...readText(page).matchAll(path)]
      .flatMap((match) => match[1] ?? [])
      .filter((file) => !existsSync(join(ROOT, file)))
      .map((file) => `${page}: ${file}`),
  );
  expect(missing).toEqual([]);
});

test('what the docs tell to type is there to be typed: Bun lies in node_modules, where a shell does not look', () => {
  const untypable = pages.flatMap((page) =>
    [...readText(page).matchAll(/(?<!npx )\bbun (?:--bun|scripts\/)\S*/g)].map(
      ([text]) => `${page}: ${text}`,
    ),
  );
  expect(untypable).toEqual([]);
});

test('the table of boot tests has each of them, and no other', async () => {
  const folder = 'test/qemu';
  const rows = readText(`${folder}/README.md`).matchAll(/^\| `([^`]+\.test\.ts)` \|/gm);
  const listed = [...rows].flatMap((row) => row[1] ?? []).sort();
  const files = (await listFiles())
    .filter((file) => file.startsWith(`${folder}/`) && file.endsWith('.test.ts'))
    .map((file) => file.slice(folder.length + 1));
  expect(listed).toEqual(files.sort());
});

test('the reference of error codes is that of the code', async () => {
  const page = existsSync(join(ROOT, ERRORS_PAGE)) ? readText(ERRORS_PAGE) : '';
  expect(page, 'npx bun scripts/list-error-codes.ts --write').toBe(await currentErrorsPage());
});

test('a broken link is found, a good one and an outside one are not', () => {
  const links = linksOf(
    '[a](b.md) ![c](../d.png "title") [e](https://example.org) [f](#part)\n```\n[g](h.md)\n```\n',
  );
  expect(links).toEqual(['b.md', '../d.png', '#part']);
  expect(leadsSomewhere('ARCHITECTURE.md', 'package.json')).toBe(true);
  expect(leadsSomewhere('ARCHITECTURE.md', 'missing.md')).toBe(false);
  expect(leadsSomewhere('ARCHITECTURE.md', '#the-tree')).toBe(true);
  expect(leadsSomewhere('ARCHITECTURE.md', '#no-such-part')).toBe(false);
});

/** Links to files and to headings; code blocks and other sites left out. */
function linksOf(page: string): string[] {
  const prose = page.replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)]
    .flatMap((match) => match[1] ?? [])
    .filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(ROOT, file))) return false;
  if (heading === undefined || !file.endsWith('.md')) return true;
  return headingsOf(readText(file)).includes(heading);
}

/** Anchors as GitHub makes them from headings. */
function headingsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { currentErrorsPage, ERRORS_PAGE } from '../test/repository/error-page.ts';
import { ROOT } from '../test/repository/tree.ts';

/** `bun scripts/list-error-codes.ts` prints the reference of error codes; `--write` puts it into the docs. */
const page = await currentErrorsPage();
if (process.argv.includes('--write')) {
  const path = join(ROOT, ERRORS_PAGE);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, page);
  process.stdout.write(`${ERRORS_PAGE}: ${page.match(/^\| `/gm)?.length ?? 0} codes\n`);
} else {
  process.stdout.write(page);
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONTROLS_PAGE, renderControlsPage } from '../appliance/compliance/register/reference-page.ts';
import { ROOT } from '../test/repository/tree.ts';

/** `bun scripts/list-controls.ts` prints the reference of controls; `--write` puts it into the docs. */
const page = renderControlsPage();
if (process.argv.includes('--write')) {
  writeFileSync(join(ROOT, CONTROLS_PAGE), page);
  process.stdout.write(`${CONTROLS_PAGE}: ${page.match(/^\| `/gm)?.length ?? 0} controls\n`);
} else {
  process.stdout.write(page);
}

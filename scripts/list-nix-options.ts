import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nixpkgsLib } from '../nix/tests/evaluate.ts';
import { OPTIONS_PAGE, readOptions, renderOptionsPage, shownOptions } from '../nix/tests/options-page.ts';

/** `bun scripts/list-nix-options.ts` prints the reference of the modules for Nix; `--write` puts it into the docs. */
if (nixpkgsLib === undefined) {
  process.stderr.write('NIXPKGS_LIB has to name a copy of the lib folder of nixpkgs\n');
  process.exit(1);
}
const options = await readOptions();
const page = renderOptionsPage(options);
if (process.argv.includes('--write')) {
  writeFileSync(join(import.meta.dirname, '..', OPTIONS_PAGE), page);
  process.stdout.write(`${OPTIONS_PAGE}: ${shownOptions(options).length} options\n`);
} else {
  process.stdout.write(page);
}

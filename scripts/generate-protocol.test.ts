import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../base/run.ts';
import { makeFolder } from '../test/unit/make-folder.ts';
import { GENERATED_FOLDER, generateProtocol } from './generate-protocol.ts';

/** A Debian package of the set-up; where somebody runs the tests without it, the others are worth running. */
const hasProtoc = await run('protoc', ['--version']).then(
  ({ code }) => code === 0,
  () => false,
);

it.skipIf(!hasProtoc)('the code of the sensor protocol is what npm run proto makes', async () => {
  const folder = makeFolder('proto');
  await generateProtocol(folder);
  const made = filesBelow(folder);
  expect(made.map(([file]) => file)).toEqual(filesBelow(GENERATED_FOLDER).map(([file]) => file));
  for (const [file, text] of made)
    expect(text === readFileSync(join(GENERATED_FOLDER, file), 'utf8'), `npm run proto; ${file}`).toBe(true);
});

function filesBelow(folder: string): [name: string, text: string][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => [file.slice(folder.length + 1), readFileSync(file, 'utf8')]);
}

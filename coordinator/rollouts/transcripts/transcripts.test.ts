import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replay } from '../testing/transcript.ts';

const scripts = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.txt'));

// Recorded anew by running this test with --update; read what has changed.
test.each(scripts)('%s goes as it was recorded', async (file) => {
  const path = join(import.meta.dirname, file);
  await expect(replay(readFileSync(path, 'utf8'))).toMatchFileSnapshot(path);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NIX, nixpkgsLib } from './evaluate.ts';
import { OPTIONS_PAGE, readOptions, renderOptionsPage, shownOptions } from './options-page.ts';

describe.skipIf(nixpkgsLib === undefined)('the options of the modules', () => {
  it('have a type, a description and an example, each of them, and their page is current', async () => {
    const options = await readOptions();
    const shown = shownOptions(options);
    expect(shown.length).toBeGreaterThan(60);
    const lacking = shown.filter(
      ({ type, description, example }) => type === 'unspecified value' || !description || example === null,
    );
    expect(lacking.map(({ name }) => name)).toEqual([]);
    const page = readFileSync(join(NIX, '..', OPTIONS_PAGE), 'utf8');
    expect(page, 'NIXPKGS_LIB=… npx bun scripts/list-nix-options.ts --write').toBe(
      renderOptionsPage(options),
    );
  });

  it('are those that others already use', async () => {
    const agent = (await readOptions()).filter(({ module }) => module === 'compliance-agent');
    const types = Object.fromEntries(agent.map(({ name, type }) => [name.split('.').at(-1), type]));
    expect(types).toMatchObject({ enable: 'boolean', siteId: 'string' });
    expect(types['pollInterval']).toContain('between 10 and 3600');
    expect(agent.find(({ name }) => name.endsWith('pollInterval'))?.default?.text).toBe('60');
  });
});

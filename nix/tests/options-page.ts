import { evaluate, NIX, nixpkgsLib } from './evaluate.ts';

/** docs/reference/nix-options.md, made from the modules. */
export const OPTIONS_PAGE = 'docs/reference/nix-options.md';

interface Rendered {
  _type: 'literalExpression' | 'literalMD';
  text: string;
}

/** One option, as nixpkgs describes it. */
export interface Option {
  name: string;
  module: string;
  type: string;
  description: string | null;
  default: Rendered | null;
  example: Rendered | null;
  internal: boolean;
  readOnly: boolean;
}

export const readOptions = (): Promise<Option[]> =>
  evaluate<Option[]>(`import ${NIX}/tests/options.nix { nixpkgsLib = ${nixpkgsLib}; }`);

/** What people may set: what is internal to the modules is left out. */
export const shownOptions = (options: readonly Option[]): Option[] =>
  options.filter(({ internal, name }) => !internal && !name.startsWith('_module'));

const HEAD = `# Options for Nix users

What the modules of the flake take, by module: \`inputs.bulkhead.nixosModules.NAME\`. How to use them is in
[the guide](../operate/nix.md).

This page is made from the modules by \`NIXPKGS_LIB=… npx bun scripts/list-nix-options.ts --write\`, where \`NIXPKGS_LIB\` names a copy
of the \`lib\` folder of nixpkgs; a test holds the two together.
`;

export function renderOptionsPage(options: readonly Option[]): string {
  const modules = Map.groupBy(shownOptions(options), ({ module }) => module);
  const sections = [...modules]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([module, listed]) =>
      [
        `## ${module === 'program' ? 'Shared by all modules with a service of the appliance' : module}`,
        '',
        '| option | type | default | example | meaning |',
        '| --- | --- | --- | --- | --- |',
        ...[...listed].sort((a, b) => a.name.localeCompare(b.name)).map(row),
        '',
      ].join('\n'),
    );
  return `${HEAD}\n${sections.join('\n')}`;
}

function row(option: Option): string {
  const cells = [
    `\`${option.name}\``,
    option.type,
    option.readOnly ? `${shown(option.default)} (read-only)` : shown(option.default),
    shown(option.example),
    (option.description ?? '').trim().replace(/\s*\n\s*/g, ' '),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function shown(value: Rendered | null): string {
  if (value === null) return '';
  const text = value.text.trim().replace(/\s*\n\s*/g, ' ');
  return value._type === 'literalMD' ? text : `\`${text}\``;
}

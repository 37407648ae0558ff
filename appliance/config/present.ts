import { Kind, type TSchema } from '@sinclair/typebox';
import { variableOf } from './environment.ts';
import { getValue, type Origin } from './layers.ts';
import type { LoadedConfig } from './load.ts';
import { formatProblem } from './problem.ts';
import { annotation, CONFIG_KEYS, isSecret, propertiesOf, withoutNull } from './schema.ts';

/** Stands for a secret wherever a configuration is shown. */
const MASK = '********';

/** What stands in the place of a secret. */
type Mask = (secret: unknown) => string;

/** The value with every secret in it replaced. */
function maskSecrets(schema: TSchema, value: unknown, mask: Mask): unknown {
  if (isSecret(schema)) return value === null ? null : mask(value);
  const inner = withoutNull(schema);
  if (Array.isArray(value) && inner[Kind] === 'Array') {
    return value.map((item) => maskSecrets(inner['items'] as TSchema, item, mask));
  }
  const properties = propertiesOf(inner);
  if (!properties || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => {
      const schemaOfChild = properties[name];
      return [name, schemaOfChild ? maskSecrets(schemaOfChild, child, mask) : child];
    }),
  );
}

/** One key as it is shown. */
export interface ShownKey {
  key: string;
  value: unknown;
  origin: Origin;
}

/** Every key with its value (secrets replaced) and origin. */
export function shownKeys(
  loaded: Pick<LoadedConfig, 'config' | 'origins'>,
  mask: Mask = () => MASK,
): ShownKey[] {
  return [...CONFIG_KEYS].flatMap(([key, schema]) => {
    const origin = loaded.origins[key];
    return origin ? [{ key, value: maskSecrets(schema, getValue(loaded.config, key), mask), origin }] : [];
  });
}

/** The table of `bulkhead config`: key, value, origin; problems first, because they decide how to read the rest. */
export function formatConfig(loaded: LoadedConfig): string {
  const rows = shownKeys(loaded).map(({ key, value, origin }) => [
    key,
    formatValue(value),
    formatOrigin(origin),
  ]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(([key = '', value = '', origin = '']) =>
    `${key.padEnd(widths[0] ?? 0)}  ${value.padEnd(Math.min(widths[1] ?? 0, 48))}  ${origin}`.trimEnd(),
  );
  const problems = loaded.problems.map((problem) => `! ${formatProblem(problem)}`);
  for (const layer of loaded.refused)
    problems.push(`! the ${layer} layer is not in force until this is corrected`);
  return [...problems, ...(problems.length > 0 ? [''] : []), ...lines, ''].join('\n');
}

export function formatValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function formatOrigin(origin: Origin): string {
  if (origin.layer === 'built-in') return 'built-in';
  return `${origin.layer}: ${origin.source}${origin.line === null ? '' : `:${origin.line}`}`;
}

/** What there is to know about a key, or about a value inside one, from the schema alone. */
export interface KeyReference {
  /** Dotted; `network.interfaces[].match` for what stands in each entry. */
  key: string;
  expects: string;
  description: string;
  secret: boolean;
  /** Of keys only: values inside one have neither. */
  default?: unknown;
  /** Environment variable that sets it; null for the version of the file. */
  variable?: string | null;
}

export function keyReferences(): KeyReference[] {
  return [...CONFIG_KEYS].flatMap(([key, schema]) => {
    const [first, ...below] = referencesOf(key, schema);
    const variable = key === 'config_version' ? null : variableOf(key);
    return first ? [{ ...first, default: schema['default'], variable }, ...below] : [];
  });
}

function referencesOf(key: string, schema: TSchema): KeyReference[] {
  const inner = withoutNull(schema);
  const items = inner[Kind] === 'Array' ? (inner['items'] as TSchema) : inner;
  const below = Object.entries(propertiesOf(items) ?? {}).flatMap(([name, child]) =>
    referencesOf(`${key}${items === inner ? '' : '[]'}.${name}`, child),
  );
  const [expects, description] = [annotation(schema, 'expects'), annotation(schema, 'description')];
  return [
    { key, expects: expects ?? '', description: description ?? '', secret: isSecret(schema) },
    ...below,
  ];
}

/** The table of docs/reference/configuration.md. */
export function configReference(): string {
  const rows = keyReferences().map((row) => {
    const cells = [
      `\`${row.key}\``,
      row.expects,
      'default' in row ? `\`${formatValue(row.default)}\`` : '',
      row.variable ? `\`${row.variable}\`` : '',
      `${row.description}${row.secret ? ' (secret)' : ''}`,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| key | value | default | variable | meaning |', '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}

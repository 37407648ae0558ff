import { builtInConfig, CONFIG_KEYS, CONFIG_VERSION, type Config } from './schema.ts';

/** From the weakest to the strongest. */
export const LAYERS = ['built-in', 'image', 'device', 'environment'] as const;
export type LayerName = (typeof LAYERS)[number];

/** A value with the place it was written at. */
export interface ConfigValue {
  value: unknown;
  /** Path of the file, name of the environment variable, or `built-in`. */
  source: string;
  /** Line in a file; null elsewhere. */
  line: number | null;
}

/** What one layer sets: dotted key to value. Only keys of the schema, only valid values. */
export type LayerValues = ReadonlyMap<string, ConfigValue>;

export interface Layer {
  layer: LayerName;
  values: LayerValues;
}

/** Where the value of one key came from. */
export interface Origin {
  layer: LayerName;
  source: string;
  line: number | null;
}

export interface MergedConfig {
  config: Config;
  /** Every dotted key of the schema. */
  origins: Record<string, Origin>;
}

/**
 * Lays the layers over the built-in values. A key is taken whole from the strongest layer that sets it (lists and the
 * wireless profile are not mixed), so leaving a layer out gives back exactly what lies below it.
 *
 * @param layers in any order; LAYERS decides
 */
export function mergeLayers(layers: readonly Layer[]): MergedConfig {
  const ordered = [...layers].sort((a, b) => LAYERS.indexOf(a.layer) - LAYERS.indexOf(b.layer));
  const config = builtInConfig();
  const origins: Record<string, Origin> = {};
  for (const key of CONFIG_KEYS.keys()) {
    const winner = ordered.findLast(({ values }) => values.has(key));
    const entry = winner?.values.get(key);
    if (!winner || !entry) {
      origins[key] = { layer: 'built-in', source: 'built-in', line: null };
      continue;
    }
    setValue(config, key, structuredClone(entry.value));
    origins[key] = { layer: winner.layer, source: entry.source, line: entry.line };
  }
  // Values are in the form of this version whatever version their file had.
  config.config_version = CONFIG_VERSION;
  return { config, origins };
}

/** The value of a dotted key. */
export function getValue(config: Config, key: string): unknown {
  let here: unknown = config;
  for (const part of key.split('.')) here = (here as Record<string, unknown>)[part];
  return here;
}

function setValue(config: Config, key: string, value: unknown): void {
  const parts = key.split('.');
  const last = parts.pop() ?? key;
  let here = config as Record<string, unknown>;
  for (const part of parts) here = here[part] as Record<string, unknown>;
  here[last] = value;
}

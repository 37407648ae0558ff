import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { describeError } from '../../base/errors.ts';
import { DEVICE_CONFIG_FILE, IMAGE_CONFIG_FILE } from '../../base/paths.ts';
import { environmentLayer } from './environment.ts';
import { type Layer, type LayerName, type LayerValues, type MergedConfig, mergeLayers } from './layers.ts';
import { CONFIG_MAX_BYTES } from './limits.ts';
import { parseConfigText } from './parse.ts';
import type { ConfigProblem } from './problem.ts';

export interface ConfigSources {
  imageFile: string;
  deviceFile: string;
  environment: Readonly<Record<string, string | undefined>>;
}

export interface LoadedConfig extends MergedConfig {
  /** What was refused or left out, for the page and the console. Empty when all is well. */
  problems: ConfigProblem[];
  /** Layers that are not in force because something in them was wrong. */
  refused: LayerName[];
}

/**
 * The configuration in force. Never throws for what is written in a file: a layer with an error is refused as a whole and
 * the box runs on the layers below, because a mistyped key must not take it off the network. A missing file is an
 * empty layer; one that cannot be read is a problem.
 */
export function loadConfig(sources: Partial<ConfigSources> = {}): LoadedConfig {
  const problems: ConfigProblem[] = [];
  const refused: LayerName[] = [];
  const fileLayer = (layer: LayerName, path: string): Layer => {
    const read = readLayerFile(path);
    problems.push(...read.problems);
    if (!read.ok) refused.push(layer);
    return { layer, values: read.values };
  };
  const layers = [
    fileLayer('image', sources.imageFile ?? IMAGE_CONFIG_FILE),
    fileLayer('device', sources.deviceFile ?? DEVICE_CONFIG_FILE),
  ];
  const environment = environmentLayer(sources.environment ?? process.env);
  problems.push(...environment.problems);
  layers.push({ layer: 'environment', values: environment.values });
  return { ...mergeLayers(layers), problems, refused };
}

/** One file of the configuration; a missing one sets nothing and is no problem. */
export function readLayerFile(path: string): { ok: boolean; values: LayerValues; problems: ConfigProblem[] } {
  const refuse = (message: string) => ({
    ok: false,
    values: new Map(),
    problems: [{ severity: 'error', source: path, line: null, key: null, message } satisfies ConfigProblem],
  });
  let bytes: Uint8Array | undefined;
  try {
    bytes = readBounded(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { ok: true, values: new Map(), problems: [] };
    return refuse(`cannot be read: ${describeError(error)}`);
  }
  if (!bytes) return refuse(`is not a file of at most ${CONFIG_MAX_BYTES} bytes`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('is not UTF-8 text');
  }
  return parseConfigText(text, path);
}

/** The bytes of a regular file, or undefined when it is something else or too large to be read at all. */
function readBounded(path: string): Uint8Array | undefined {
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > CONFIG_MAX_BYTES) return undefined;
    const bytes = new Uint8Array(stat.size);
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

import { LineCounter } from 'yaml';
import type { ConfigValue, LayerValues } from './layers.ts';
import { CONFIG_MAX_BYTES } from './limits.ts';
import { parseYaml } from './parse.ts';
import type { ConfigProblem } from './problem.ts';
import { CONFIG_KEYS } from './schema.ts';
import { nearestKey } from './suggest.ts';
import { validateValue, wantsText } from './validate.ts';
import { type NodeFault, plainValue } from './yaml-nodes.ts';

/** The three names that services of this kind use everywhere. */
const FIXED_NAMES: Readonly<Record<string, string>> = {
  SITE_ID: 'site_id',
  MCP_URL: 'coordinator.url',
  POLL_INTERVAL: 'coordinator.poll_interval_s',
};
const PREFIX = 'BULKHEAD_';

/** The environment variable that sets a key: `MCP_URL`, or `BULKHEAD_TIME_ZONE`. */
export function variableOf(key: string): string {
  const fixed = Object.entries(FIXED_NAMES).find(([, name]) => name === key);
  return fixed ? fixed[0] : `${PREFIX}${key.replaceAll('.', '_').toUpperCase()}`;
}

/**
 * The environment as a layer. An empty variable counts as not set (units write `Environment=MCP_URL=`). A variable
 * that cannot be used is left out and reported; unlike a file, variables do not depend on each other.
 */
export function environmentLayer(environment: Readonly<Record<string, string | undefined>>): {
  values: LayerValues;
  problems: ConfigProblem[];
} {
  const values = new Map<string, ConfigValue>();
  const problems: ConfigProblem[] = [];
  const keys = new Map([...CONFIG_KEYS.keys()].map((key) => [variableOf(key), key]));
  keys.delete(variableOf('config_version'));
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined || text.trim() === '') continue;
    const key = keys.get(name);
    const source = `environment variable ${name}`;
    const report = (message: string) =>
      problems.push({ severity: 'warning', source, line: null, key: key ?? null, message });
    if (key === undefined) {
      if (!name.startsWith(PREFIX)) continue;
      const near = nearestKey(name, keys.keys());
      report(`sets nothing${near === undefined ? '' : `; did you mean ${near}?`}`);
      continue;
    }
    const { value, fault } = readVariable(key, text.trim());
    if (fault === undefined) values.set(key, { value, source: name, line: null });
    else report(`left out: ${fault}`);
  }
  return { values, problems };
}

/** Texts are taken as they are; numbers, lists and sections are written as in YAML. */
function readVariable(key: string, text: string): { value: unknown; fault?: string } {
  const schema = CONFIG_KEYS.get(key);
  let raw: unknown = text;
  if (schema && !wantsText(schema)) {
    if (text.length > CONFIG_MAX_BYTES) return { value: null, fault: 'too long' };
    const faults: NodeFault[] = [];
    try {
      const document = parseYaml(text, new LineCounter());
      if (document.errors.length > 0) return { value: null, fault: 'not valid YAML' };
      raw = plainValue(document.contents, schema, faults);
    } catch {
      return { value: null, fault: 'not valid YAML' };
    }
    if (faults[0]) return { value: null, fault: faults[0].message };
  }
  const { value, faults } = validateValue(key, raw);
  const first = faults[0];
  return first
    ? { value, fault: [first.path.join('.'), first.message].filter(Boolean).join(': ') }
    : { value };
}

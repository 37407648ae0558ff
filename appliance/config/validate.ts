import { Kind, type TSchema } from '@sinclair/typebox';
import { Value, type ValueError, ValueErrorType } from '@sinclair/typebox/value';
import { isMac, parseCidr, subnetHolds, textCheck } from './checks.ts';
import {
  annotation,
  CONFIG_KEYS,
  type InterfaceConfig,
  mayQuote,
  propertiesOf,
  withoutNull,
} from './schema.ts';
import type { TargetConfig } from './schema-targets.ts';
import { nearestKey } from './suggest.ts';
import { completeTarget, targetFaults } from './target-entries.ts';

/** A fault inside the value of one key: where in it, and what. */
export interface ValueFault {
  path: readonly string[];
  message: string;
}

/** The value with what may be left out filled in, or the faults that forbid it. Changes nothing it was given. */
export function validateValue(key: string, raw: unknown): { value: unknown; faults: ValueFault[] } {
  const schema = CONFIG_KEYS.get(key);
  if (!schema) return { value: raw, faults: [{ path: [], message: 'unknown key' }] };
  const value = COMPLETE[key]?.(raw) ?? raw;
  // A union reports only that nothing fitted; when something is there, the errors of what it should be say more.
  const target = value === null && withoutNull(schema) !== schema ? schema : withoutNull(schema);
  const seen = new Set<string>();
  const faults: ValueFault[] = [];
  for (const error of Value.Errors(target, value)) {
    if (seen.has(error.path)) continue;
    seen.add(error.path);
    faults.push({ path: error.path.split('/').slice(1), message: describe(error) });
  }
  if (faults.length === 0 && key === 'network.interfaces')
    faults.push(...interfaceFaults(value as InterfaceConfig[]));
  if (faults.length === 0 && key === 'targets') faults.push(...targetFaults(value as TargetConfig[]));
  return { value, faults };
}

function describe(error: ValueError): string {
  if (error.type === ValueErrorType.ObjectAdditionalProperties) {
    const name = error.path.slice(error.path.lastIndexOf('/') + 1);
    const near = nearestKey(name, Object.keys(propertiesOf(error.schema) ?? {}));
    return `unknown key${near === undefined ? '' : `; did you mean '${near}'?`}`;
  }
  if (error.type === ValueErrorType.ObjectRequiredProperty) return 'is missing';
  if (error.type === ValueErrorType.ArrayMaxItems) {
    return `has ${(error.value as unknown[]).length} entries, at most ${String(error.schema['maxItems'])} are allowed`;
  }
  const schema: TSchema = withoutNull(error.schema);
  const check = textCheck(schema['format']);
  const shown = mayQuote(error.schema) ? show(error.value) : NOT_SHOWN;
  const fault = check && typeof error.value === 'string' ? check(error.value) : null;
  if (fault !== null) return `${shown} ${fault}`;
  const expects = annotation(error.schema, 'expects') ?? 'something else';
  return `${shown === NOT_SHOWN ? 'not valid' : `${shown} is not valid`}: expected ${expects}`;
}

const NOT_SHOWN = 'the value (not shown)';

function show(value: unknown): string {
  if (typeof value === 'string' && looksPasted(value)) return NOT_SHOWN;
  if (typeof value === 'string') return `'${value.length > 80 ? `${value.slice(0, 77)}...` : value}'`;
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'a section';
}

/** A URL or a key in a setting for something else: it may carry a password, a token or be the secret itself. */
export function looksPasted(text: string): boolean {
  return /:\/\/|PRIVATE KEY/.test(text);
}

/** What fills in the parts of a value that may be left out, by key. */
const COMPLETE: Readonly<Record<string, (raw: unknown) => unknown>> = {
  'network.interfaces': completeInterfaces,
  'network.wifi': completeWifi,
  targets: completeTargets,
};

function completeTargets(raw: unknown): unknown {
  return Array.isArray(raw)
    ? raw.map((entry: unknown) => (isRecord(entry) ? completeTarget(entry) : entry))
    : raw;
}

/** Fills in what an interface entry may leave out, so that the type has no optional parts. */
function completeInterfaces(raw: unknown): unknown {
  if (!Array.isArray(raw)) return raw;
  return raw.map((entry: unknown) => {
    if (!isRecord(entry)) return entry;
    const fixed = Array.isArray(entry['addresses']) && entry['addresses'].length > 0;
    return { dhcp: !fixed, addresses: [], gateway: null, dns: [], ...entry };
  });
}

function completeWifi(raw: unknown): unknown {
  return isRecord(raw) ? { country: null, ...raw } : raw;
}

/** What the schema cannot say: entries that would take the box off the network or contradict each other. */
function interfaceFaults(interfaces: readonly InterfaceConfig[]): ValueFault[] {
  const faults: ValueFault[] = [];
  const first = new Map<string, number>();
  interfaces.forEach((entry, index) => {
    const at = (field: string, message: string) => faults.push({ path: [String(index), field], message });
    const name = isMac(entry.match) ? entry.match.toLowerCase().replaceAll('-', ':') : entry.match;
    if (first.has(name)) at('match', `'${entry.match}' has an entry already`);
    first.set(name, index);
    if (!entry.dhcp && entry.addresses.length === 0) {
      at('dhcp', 'without DHCP and without addresses the interface would have no address');
    }
    const networks = entry.addresses.flatMap((address) => parseCidr(address) ?? []);
    const { gateway } = entry;
    if (gateway === null || /^fe[89ab]/i.test(gateway)) return;
    if (!networks.some((network) => subnetHolds(network, gateway))) {
      at('gateway', `'${gateway}' lies in none of the networks of the addresses, so it could not be reached`);
    }
    if (networks.some((network) => network.address === gateway)) {
      at('gateway', `'${gateway}' is the address of this interface itself`);
    }
  });
  return faults;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a text is what the schema wants, and never a number or a truth value: then `0123` means what was typed. */
export function wantsText(schema: TSchema): boolean {
  const inner = withoutNull(schema);
  if (inner[Kind] === 'String') return true;
  if (inner[Kind] !== 'Union') return false;
  return (inner['anyOf'] as TSchema[]).every((variant) => typeof variant['const'] === 'string');
}

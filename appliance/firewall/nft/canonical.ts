import { createHash } from 'node:crypto';
import { tableObjects } from './build.ts';
import type { JsonValue, TableDefinition, TableName } from './types.ts';

/**
 * One form for what was asked and for what the kernel says it has, so that the two can be compared and digested.
 * Left out is what does not decide about packets or changes by itself: handles, counter readings, the order inside sets,
 * members that traffic added to a set, default values that nft leaves out or adds. The order of rules is kept: it decides.
 */
export interface CanonicalTable extends TableName {
  /** e.g. `dormant`: a table that is listed but filters nothing. nft 1.0.6 prints the table's name in place of the word. */
  flags: JsonValue[];
  /** by name */
  sets: JsonObject[];
  /** by name */
  chains: CanonicalChain[];
  /** maps, flow tables, named counters and the like, which this module never makes */
  others: JsonObject[];
}

export interface CanonicalChain {
  name: string;
  /** type, hook, prio and policy; empty for a chain that is only jumped to */
  hook: JsonObject;
  rules: CanonicalRule[];
}

export interface CanonicalRule {
  comment: string | null;
  expr: JsonValue[];
}

export type JsonObject = { [key: string]: JsonValue };

export function canonicalDefinition(table: TableDefinition): CanonicalTable {
  return canonicalTable(tableObjects(table), table);
}

/**
 * @param objects the array under `nftables` of `nft -j list table`, or `tableObjects()`; objects of other tables and
 *   `metainfo` are passed over
 */
export function canonicalTable(objects: readonly JsonValue[], name: TableName): CanonicalTable {
  const table: CanonicalTable = {
    family: name.family,
    name: name.name,
    flags: [],
    sets: [],
    chains: [],
    others: [],
  };
  const rulesOf = new Map<string, CanonicalRule[]>();
  for (const object of objects) {
    if (!isObject(object)) continue;
    const [kind, body] = Object.entries(object)[0] ?? [];
    if (kind === undefined || !isObject(body)) continue;
    const { family, table: owner, handle: _handle, index: _index, ...rest } = body;
    const { name: itsName, flags, chain } = rest;
    if (family !== name.family) continue;
    if (kind === 'table' && itsName === name.name) table.flags = sortedList(flags);
    if (owner !== name.name) continue;
    if (kind === 'set') table.sets.push(canonicalSet(rest));
    else if (kind === 'chain') table.chains.push(canonicalChain(rest));
    else if (kind === 'rule') append(rulesOf, String(chain), canonicalRule(rest));
    else if (kind !== 'element') table.others.push({ kind, ...sortKeys(rest) });
  }
  for (const chain of table.chains) chain.rules = rulesOf.get(chain.name) ?? [];
  const learning = setsThatRulesFill(table.chains);
  table.sets = table.sets.map((set) => {
    const { name: setName, elem: _learned, ...rest } = set;
    return learning.has(`@${String(setName)}`) ? { name: setName ?? null, ...rest } : set;
  });
  const byName = (a: { name?: JsonValue }, b: { name?: JsonValue }) => order(String(a.name), String(b.name));
  table.sets.sort(byName);
  table.chains.sort(byName);
  table.others.sort((a, b) => order(stableJson(a), stableJson(b)));
  return table;
}

/** SHA-256 of the canonical form, 64 hex digits: equal digests mean equal filtering. */
export function digestOf(table: CanonicalTable): string {
  return createHash('sha256')
    .update(stableJson(table as unknown as JsonValue))
    .digest('hex');
}

export function ruleCount(table: CanonicalTable): number {
  return table.chains.reduce((sum, chain) => sum + chain.rules.length, 0);
}

/** JSON with sorted keys: the same value always gives the same text. */
export function stableJson(value: JsonValue): string {
  return JSON.stringify(sortKeys(value));
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function canonicalSet(body: JsonObject): JsonObject {
  const { flags, elem, ...rest } = body;
  // `dynamic` follows from the rules that add to the set, and only some versions of nft print it.
  const kept = sortedList(flags).filter((flag) => flag !== 'dynamic');
  const filledByTraffic = kept.includes('timeout') || sortedList(flags).includes('dynamic');
  return {
    ...(sortKeys(rest) as JsonObject),
    ...(kept.length === 0 ? {} : { flags: kept }),
    ...(filledByTraffic || elem === undefined ? {} : { elem: sortedList(canonicalExpression(elem)) }),
  };
}

/** Names, with `@`, of the sets whose members come from traffic: nft 1.0.6 prints no flag that says so. */
function setsThatRulesFill(chains: readonly CanonicalChain[]): Set<string> {
  const statements = chains.flatMap(({ rules }) => rules.flatMap(({ expr }) => expr));
  return new Set(
    statements.flatMap((statement) => {
      const { set: body } = isObject(statement) ? statement : {};
      const { set } = isObject(body) ? body : {};
      return typeof set === 'string' ? [set] : [];
    }),
  );
}

function canonicalChain(body: JsonObject): CanonicalChain {
  const { name, ...hook } = body;
  return { name: String(name), hook: sortKeys(hook) as JsonObject, rules: [] };
}

function canonicalRule({ comment, expr }: JsonObject): CanonicalRule {
  return {
    comment: typeof comment === 'string' ? comment : null,
    expr: (Array.isArray(expr) ? expr : []).map((statement) => sortKeys(canonicalExpression(statement))),
  };
}

function canonicalExpression(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(canonicalExpression);
  if (!isObject(value)) return value;
  const { counter, match, limit, log, prefix } = value;
  if (counter === null || isObject(counter)) return { counter: null };
  if (isObject(match)) return { match: canonicalMatch(match) };
  if (isObject(limit)) return { limit: canonicalLimit(limit) };
  if (isObject(log)) return { log: canonicalLog(log) };
  if (isObject(prefix)) return canonicalPrefix(prefix);
  const result: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) {
    const canonical = canonicalExpression(inner);
    result[key] = key === 'set' && Array.isArray(canonical) ? sortedList(canonical) : canonical;
  }
  return result;
}

function canonicalMatch({ op = '==', left = null, right = null }: JsonObject): JsonObject {
  const canonicalLeft = canonicalExpression(left);
  let canonicalRight = canonicalExpression(right);
  // `in` tests bits of a mask: its words have no order. Elsewhere an array may be an interval or a concatenation.
  if (op === 'in' && Array.isArray(canonicalRight)) canonicalRight = sortedList(canonicalRight);
  // A set of one filters like its member, and nft writes it so when it reads text.
  const { set } = isObject(canonicalRight) ? canonicalRight : {};
  if (Array.isArray(set) && set.length === 1) canonicalRight = set[0] ?? null;
  if (isProtocolNumber(canonicalLeft)) canonicalRight = withProtocolNumbers(canonicalRight);
  return { op, left: canonicalLeft, right: canonicalRight };
}

/** A burst of 5 is what the kernel assumes; units of packets are what nft leaves out. */
function canonicalLimit({ burst = 5, inv, rate_unit, burst_unit, ...rest }: JsonObject): JsonObject {
  return {
    ...rest,
    burst,
    ...(inv === true ? { inv } : {}),
    ...(rate_unit === undefined || rate_unit === 'packets' ? {} : { rate_unit }),
    ...(burst_unit === undefined || burst_unit === 'packets' ? {} : { burst_unit }),
  };
}

/** A prefix of all bits is an address. */
function canonicalPrefix({ addr = null, len = null }: JsonObject): JsonValue {
  const bits = typeof addr === 'string' && addr.includes(':') ? 128 : 32;
  return typeof addr === 'string' && len === bits ? addr : { prefix: { addr, len } };
}

/** The level `warn` is what the kernel assumes, so nft leaves it out. */
function canonicalLog({ level, ...rest }: JsonObject): JsonValue {
  const log = level === undefined || level === 'warn' ? rest : { ...rest, level };
  return Object.keys(log).length === 0 ? null : log;
}

/** nft prints a protocol by name where /etc/protocols has it and by number where not: an image may lack that file. */
const PROTOCOL_NUMBERS: Record<string, number> = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  'ipv6-icmp': 58,
  icmpv6: 58,
  sctp: 132,
};

function isProtocolNumber(left: JsonValue): boolean {
  if (!isObject(left)) return false;
  const { meta, payload } = left;
  if (isObject(meta)) return Object.values(meta)[0] === 'l4proto';
  if (!isObject(payload)) return false;
  const { protocol, field } = payload;
  return (protocol === 'ip' && field === 'protocol') || (protocol === 'ip6' && field === 'nexthdr');
}

function withProtocolNumbers(right: JsonValue): JsonValue {
  if (typeof right === 'string') return PROTOCOL_NUMBERS[right] ?? right;
  const set = isObject(right) ? Object.values(right)[0] : undefined;
  return Array.isArray(set) ? { set: sortedList(set.map(withProtocolNumbers)) } : right;
}

function sortedList(value: JsonValue | undefined): JsonValue[] {
  const list = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
  return [...list].sort((a, b) => order(stableJson(a), stableJson(b)));
}

function sortKeys<T extends JsonValue>(value: T): T;
function sortKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((inner) => sortKeys(inner));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => order(a, b))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}

/** By code unit, the same on every machine and in every locale. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

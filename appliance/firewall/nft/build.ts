import type {
  ChainDefinition,
  JsonValue,
  LeftExpression,
  Limit,
  LogLevel,
  MaskExpression,
  PayloadExpression,
  PrefixExpression,
  RightExpression,
  RuleDefinition,
  SetDefinition,
  SetExpression,
  Statement,
  TableDefinition,
  TableName,
} from './types.ts';

/** Builders: each returns one piece of libnftables JSON and reads like the line `nft` would print. */

export const accept: Statement = { accept: null };
export const drop: Statement = { drop: null };
/** Counts packets and bytes; read with `nft list table`. */
export const counter: Statement = { counter: null };

/** One rule; statements run from left to right until one does not match. */
export function rule(comment: string, ...expr: Statement[]): RuleDefinition {
  return { comment, expr };
}

export function payload(protocol: string, field: string): PayloadExpression {
  return { payload: { protocol, field } };
}

export function prefix(addr: string, len: number): PrefixExpression {
  return { prefix: { addr, len } };
}

export function anyOf(...members: SetExpression['set']): SetExpression {
  return { set: members };
}

/** Only the bits of the mask, e.g. the network part of an address: `ip6 saddr & ffff:ffff:ffff:ffff::` */
export function masked(value: PayloadExpression, mask: string): MaskExpression {
  return { '&': [value, mask] };
}

/** `left == right`; a set on the right means any of its members. */
function is(left: LeftExpression, right: RightExpression): Statement {
  return { match: { op: '==', left, right } };
}

/** `tcp dport 80` */
export function field(protocol: string, name: string, right: RightExpression): Statement {
  return is(payload(protocol, name), right);
}

/** `iifname "lo"`, `meta nfproto ipv4` */
export function meta(key: string, right: RightExpression): Statement {
  return is({ meta: { key } }, right);
}

/** `ct state established,related`: the packet is in any of these states. */
export function ctState(...states: [string, ...string[]]): Statement {
  const [first, ...others] = states;
  return {
    match: { op: 'in', left: { ct: { key: 'state' } }, right: others.length === 0 ? first : states },
  };
}

/** Matches as long as the rate is kept. */
export function within(limit: Omit<Limit, 'inv'>): Statement {
  return { limit };
}

/** Writes a line to the kernel log; put a `within` in front of it, or a flood fills the journal. */
export function log(text: string, level: LogLevel): Statement {
  return { log: { prefix: text, level } };
}

/** Keeps a limit per element (`update @set { elem limit rate over … }`); matches what is over it. */
export function overLimitPer(elem: LeftExpression, set: string, limit: Omit<Limit, 'inv'>): Statement {
  return { set: { op: 'update', elem, set: `@${set}`, stmt: [{ limit: { ...limit, inv: true } }] } };
}

/** Counts the connections of each element (`add @set { elem ct count over … }`); matches what is over the number. */
export function overCountPer(elem: LeftExpression, set: string, count_max: number): Statement {
  return { set: { op: 'add', elem, set: `@${set}`, stmt: [overCount(count_max)] } };
}

/** Counts all connections that come by; matches what is over the number. */
export function overCount(count_max: number): { 'ct count': { val: number; inv: true } } {
  return { 'ct count': { val: count_max, inv: true } };
}

/** The objects of a table as `add` commands want them and `list` prints them. */
export function tableObjects(table: TableDefinition): { [key: string]: JsonValue }[] {
  const at = { family: table.family, table: table.name };
  return [
    { table: { family: table.family, name: table.name } },
    ...table.sets.map((set) => ({ set: { ...at, ...setBody(set) } })),
    ...table.chains.map((chain) => ({ chain: { ...at, ...chainBody(chain) } })),
    ...table.chains.flatMap((chain) =>
      chain.rules.map((one) => ({ rule: { ...at, chain: chain.name, ...ruleBody(one) } })),
    ),
  ];
}

/**
 * One transaction that leaves exactly `table`, whatever was there before. The first `add` makes the `delete` valid when
 * there was none. The kernel takes all of it or nothing, and no packet meets a state in between; other tables stay as they are.
 */
export function replaceTable(table: TableDefinition): string {
  const name = { table: { family: table.family, name: table.name } };
  return transaction([
    { add: name },
    { delete: name },
    ...tableObjects(table).map((object) => ({ add: object })),
  ]);
}

/** One transaction after which the table does not exist, whether it did before or not. */
export function removeTable(table: TableName): string {
  const name = { table: { family: table.family, name: table.name } };
  return transaction([{ add: name }, { delete: name }]);
}

function transaction(commands: JsonValue[]): string {
  return JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...commands] });
}

function setBody(set: SetDefinition): { [key: string]: JsonValue } {
  const flags = [
    ...(set.timeout_s === undefined ? [] : ['timeout']),
    ...(set.elements?.some((element) => typeof element === 'object') ? ['interval'] : []),
  ];
  return {
    name: set.name,
    type: set.type,
    ...(set.size === undefined ? {} : { size: set.size }),
    ...(flags.length === 0 ? {} : { flags }),
    ...(set.timeout_s === undefined ? {} : { timeout: set.timeout_s }),
    ...(set.elements === undefined || set.elements.length === 0 ? {} : { elem: set.elements as JsonValue }),
  };
}

function chainBody(chain: ChainDefinition): { [key: string]: JsonValue } {
  return { name: chain.name, ...(chain.hook === undefined ? {} : { ...chain.hook }) };
}

function ruleBody(one: RuleDefinition): { [key: string]: JsonValue } {
  return {
    ...(one.comment === undefined ? {} : { comment: one.comment }),
    // Statement is a union of plain JSON objects; only optional properties keep TypeScript from seeing that.
    expr: one.expr as unknown as JsonValue,
  };
}

/**
 * The part of libnftables-json(5) that this module writes, as types: what compiles here is what `nft -j` accepts.
 * Written from the manual page of nftables 1.1 and from what 1.0.6 and 1.1.3 print.
 * What is read back is `JsonValue`: a kernel may hold rules that other programs made with words not listed here.
 */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

type Family = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev';

/** Where a table is: nothing outside it is ever touched. */
export interface TableName {
  family: Family;
  name: string;
}

/** A packet field by name, e.g. `tcp dport`. */
export interface PayloadExpression {
  payload: { protocol: string; field: string };
}
/** What the kernel knows about a packet besides its bytes, e.g. `iifname`, `pkttype`, `nfproto`. */
interface MetaExpression {
  meta: { key: string };
}
/** What connection tracking knows about a packet, e.g. `state`. */
interface CtExpression {
  ct: { key: string };
}
export interface PrefixExpression {
  prefix: { addr: string; len: number };
}
interface RangeExpression {
  range: [number | string, number | string];
}
/** An anonymous set: any of the members. */
export interface SetExpression {
  set: (number | string | PrefixExpression | RangeExpression)[];
}
/** Bitwise and, e.g. the first 64 bits of an address. */
export interface MaskExpression {
  '&': [PayloadExpression | MetaExpression, string | number];
}
/** What may stand on the left of a match. */
export type LeftExpression = PayloadExpression | MetaExpression | CtExpression | MaskExpression;
/** What it is compared with; an array belongs to the operator `in` of a bit mask (ct state). */
export type RightExpression = number | string | string[] | PrefixExpression | RangeExpression | SetExpression;

type Operator = '==' | '!=' | '<' | '>' | '<=' | '>=' | 'in';
type PerUnit = 'second' | 'minute' | 'hour' | 'day';

export interface Limit {
  rate: number;
  per: PerUnit;
  /** packets that may come at once before the rate counts */
  burst: number;
  /** true: matches what is over the rate */
  inv?: boolean;
}

/** Connections that are open, as connection tracking sees them; needs the kernel's `nft_connlimit`. */
interface CountStatement {
  /** `inv` true: matches what is over the number */
  'ct count': { val: number; inv?: boolean };
}

export type Statement =
  | { match: { op: Operator; left: LeftExpression; right: RightExpression } }
  | { accept: null }
  | { drop: null }
  | { return: null }
  | { jump: { target: string } }
  | { goto: { target: string } }
  | { counter: null }
  | { limit: Limit }
  | { log: { prefix?: string; level?: LogLevel } | null }
  | { reject: null }
  | CountStatement
  | {
      set: {
        op: 'add' | 'update';
        elem: LeftExpression;
        set: `@${string}`;
        stmt?: ({ limit: Limit } | CountStatement)[];
      };
    };

export type LogLevel = 'emerg' | 'alert' | 'crit' | 'err' | 'warn' | 'notice' | 'info' | 'debug';

export interface RuleDefinition {
  expr: Statement[];
  /** Shown by `nft list`; at most 128 bytes (NFTNL_UDATA_COMMENT_MAXLEN). */
  comment?: string;
}

/** A chain that the kernel calls, with what happens to packets no rule decides. */
export interface ChainHook {
  type: 'filter' | 'nat' | 'route';
  hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress';
  prio: number;
  policy: 'accept' | 'drop';
}

export interface ChainDefinition {
  name: string;
  /** absent: a chain that is only jumped to */
  hook?: ChainHook;
  rules: RuleDefinition[];
}

/**
 * A named set. A set that rules add to needs `timeout_s`, unless they count connections in it: the kernel takes such an element
 * out with its last connection. nft derives the flag `dynamic` from those rules when they come in the
 * same transaction, as they do here (1.0.6 even refuses the flag in JSON), so it has no place here.
 */
export interface SetDefinition {
  name: string;
  type: 'ipv4_addr' | 'ipv6_addr' | 'ether_addr' | 'inet_service' | 'inet_proto' | 'mark' | 'ifname';
  /** most elements the kernel keeps */
  size?: number;
  /** how long an element lives after it was last added or updated, in seconds */
  timeout_s?: number;
  elements?: (number | string | PrefixExpression | RangeExpression)[];
}

/** All of one table: what it is after a replacement, whatever was in it before. */
export interface TableDefinition extends TableName {
  sets: SetDefinition[];
  chains: ChainDefinition[];
}

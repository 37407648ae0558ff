import { type CanonicalTable, isObject } from './nft/canonical.ts';
import type { JsonValue } from './nft/types.ts';

/**
 * The ports that a table, as the kernel has it, accepts from anywhere: `tcp/80`. Read from the rules and not from the
 * configuration, so that a port which somebody else opened shows. DHCP and mDNS name a source port or a group address and
 * are left out: they are not open to everybody.
 */
export function openPorts(table: CanonicalTable): string[] {
  const open = new Map<string, [string, number]>();
  for (const chain of table.chains) {
    const { hook } = chain.hook;
    if (hook !== 'input') continue;
    for (const rule of chain.rules) {
      const ports = acceptedPorts(rule.expr);
      for (const [protocol, port] of ports)
        open.set(`${protocol}/${port}`, [protocol, Number.parseInt(port, 10)]);
    }
  }
  return [...open.entries()]
    .sort(([, [a, portA]], [, [b, portB]]) => (a === b ? portA - portB : a < b ? -1 : 1))
    .map(([shown]) => shown);
}

/** The ports of one rule, when it accepts and asks for nothing but destination ports and connection state. */
function acceptedPorts(expr: readonly JsonValue[]): [string, string][] {
  let ports: [string, string][] = [];
  let accepts = false;
  for (const statement of expr) {
    const [kind, body] = only(statement);
    if (kind === 'accept') accepts = true;
    if (kind !== 'match' || !isObject(body)) continue;
    const { left = null, right = null, op } = body;
    const [source, detail] = only(left);
    if (source === 'ct') continue;
    const { protocol, field } = isObject(detail) ? detail : {};
    if (source !== 'payload' || field !== 'dport' || op !== '==') return [];
    ports = portTexts(right).map((port) => [String(protocol), port]);
  }
  return accepts ? ports : [];
}

function portTexts(right: JsonValue): string[] {
  if (typeof right === 'number' || typeof right === 'string') return [String(right)];
  const [kind, body] = only(right);
  if (!Array.isArray(body)) return [];
  if (kind === 'set') return body.flatMap(portTexts);
  return kind === 'range' ? [body.map(String).join('-')] : [];
}

function only(value: JsonValue): [string, JsonValue] {
  return (isObject(value) ? Object.entries(value)[0] : undefined) ?? ['', null];
}

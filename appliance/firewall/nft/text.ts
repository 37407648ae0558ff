import { type CanonicalRule, isObject, type JsonObject, stableJson } from './canonical.ts';
import type { JsonValue } from './types.ts';

/**
 * A rule in the words of nft(8), e.g. `tcp dport 80 ct state new accept`: what this module writes reads back through `nft -f`
 * as the same rule. A statement it has no words for is shown as its JSON, never left out.
 */
export function ruleText(rule: CanonicalRule): string {
  return rule.expr.map(statementText).join(' ');
}

function statementText(statement: JsonValue): string {
  const [kind, body] = only(statement);
  if (['accept', 'drop', 'return', 'counter'].includes(kind)) return kind;
  if ((kind === 'reject' || kind === 'log') && body === null) return kind;
  if (!isObject(body)) return stableJson(statement);
  const { target, set } = body;
  if (kind === 'match') return matchText(body);
  if (kind === 'limit') return limitText(body);
  if (kind === 'log') return logText(body);
  if (kind === 'ct count') return countText(body);
  if (kind === 'jump' || kind === 'goto') return `${kind} ${String(target)}`;
  if (kind === 'set' && typeof set === 'string') return setText(body);
  return stableJson(statement);
}

function matchText({ op, left = null, right = null }: JsonObject): string {
  const shown = op === '==' || op === 'in' ? '' : `${String(op)} `;
  const [kind, body] = only(left);
  const isName = kind === 'meta' && isObject(body) && /name$/.test(String(Object.values(body)[0]));
  if (isName && typeof right === 'string') return `${expressionText(left)} ${shown}"${right}"`;
  const several = op === 'in' && Array.isArray(right);
  return `${expressionText(left)} ${shown}${several ? right.map(expressionText).join(',') : expressionText(right)}`;
}

function limitText({ rate, per, burst, inv, rate_unit, burst_unit }: JsonObject): string {
  const over = inv === true ? 'over ' : '';
  const unit = typeof rate_unit === 'string' ? ` ${rate_unit}` : '';
  const burstUnit = typeof burst_unit === 'string' ? burst_unit : 'packets';
  return `limit rate ${over}${String(rate)}${unit}/${String(per)} burst ${String(burst)} ${burstUnit}`;
}

function logText({ prefix, level }: JsonObject): string {
  const words = typeof prefix === 'string' ? ` prefix "${prefix}"` : '';
  return `log${words}${typeof level === 'string' ? ` level ${level}` : ''}`;
}

function countText({ val, inv }: JsonObject): string {
  return `ct count ${inv === true ? 'over ' : ''}${String(val)}`;
}

function setText({ op, set, elem = null, stmt }: JsonObject): string {
  const statements = Array.isArray(stmt) ? stmt.map((one) => ` ${statementText(one)}`).join('') : '';
  return `${String(op)} ${String(set)} { ${expressionText(elem)}${statements} }`;
}

function expressionText(value: JsonValue): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  const [kind, body] = only(value);
  if (Array.isArray(body)) {
    if (kind === 'set') return `{ ${body.map(expressionText).join(', ')} }`;
    if (kind === 'range') return body.map(expressionText).join('-');
    if (kind === '&') return body.map(expressionText).join(' & ');
  }
  if (!isObject(body)) return stableJson(value);
  const { protocol, field, key, addr, len } = body;
  if (kind === 'payload' && typeof protocol === 'string') return `${protocol} ${String(field)}`;
  if (kind === 'meta' || kind === 'ct') return `${kind} ${String(key)}`;
  if (kind === 'prefix') return `${String(addr)}/${String(len)}`;
  return stableJson(value);
}

/** Statements and expressions are objects with one key that says what they are. */
function only(value: JsonValue): [string, JsonValue] {
  return (isObject(value) ? Object.entries(value)[0] : undefined) ?? ['', null];
}

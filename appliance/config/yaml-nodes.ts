import type { TSchema } from '@sinclair/typebox';
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import { CONFIG_MAX_DEPTH } from './limits.ts';
import { propertiesOf, withoutNull } from './schema.ts';
import { wantsText } from './validate.ts';

/** A YAML construct that has no place in a configuration file, and where it stands. */
export interface NodeFault {
  node: unknown;
  message: string;
}

/** The name of a map's entry, or undefined when it is not a plain text (`? [a]`, `*alias`). */
export function pairName(pair: Pair): string | undefined {
  if (!isScalar(pair.key) || pair.key.tag !== undefined) return undefined;
  const { value, source } = pair.key;
  return typeof value === 'string' ? value : (source ?? String(value));
}

/** The first construct that is refused in this node itself: aliases could blow a small file up to gigabytes. */
export function constructFault(node: unknown): string | undefined {
  if (isAlias(node)) return 'anchors and aliases (&, *) are not read here: write the value out';
  if ((isScalar(node) || isMap(node) || isSeq(node)) && node.tag !== undefined) {
    return `tags (${node.tag.slice(0, 40)}) are not read here`;
  }
  return undefined;
}

/**
 * The plain value of a node, led by the schema: where a text is expected, what was typed counts, so that a passphrase
 * `0123` or a site `1e3` does not become a number. Faults are collected, not thrown.
 */
export function plainValue(
  node: unknown,
  schema: TSchema | undefined,
  faults: NodeFault[],
  depth = 0,
): unknown {
  const fault =
    depth > CONFIG_MAX_DEPTH ? `nested deeper than ${CONFIG_MAX_DEPTH} levels` : constructFault(node);
  if (fault !== undefined) {
    faults.push({ node, message: fault });
    return null;
  }
  const inner = schema && withoutNull(schema);
  if (isScalar(node)) {
    const typed = typeof node.value === 'number' || typeof node.value === 'boolean';
    return typed && inner && wantsText(inner) && node.source !== undefined ? node.source : node.value;
  }
  if (isSeq(node)) {
    const items = inner?.['items'] as TSchema | undefined;
    return node.items.map((item) => plainValue(item, items, faults, depth + 1));
  }
  if (isMap(node)) {
    // Object.fromEntries makes even `__proto__` an ordinary key, which the schema then refuses.
    return Object.fromEntries(
      node.items.map((pair) => {
        const name = pairName(pair);
        if (name === undefined) faults.push({ node: pair.key, message: 'this is not a key' });
        const properties = inner ? propertiesOf(inner) : undefined;
        const child =
          properties && name !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
        return [name ?? '?', plainValue(pair.value, child, faults, depth + 1)];
      }),
    );
  }
  return null;
}

/** The node at a path inside another; the nearest one above when the path leads to nothing (a missing field). */
export function nodeAt(node: unknown, path: readonly string[]): { node: unknown; key: unknown } {
  let here = node;
  let key: unknown = null;
  for (const name of path) {
    if (isSeq(here)) {
      const next = here.items[Number(name)];
      if (next === undefined) break;
      [here, key] = [next, null];
    } else if (isMap(here)) {
      const pair = here.items.find((candidate) => pairName(candidate) === name);
      if (!pair) break;
      [here, key] = [pair.value, pair.key];
    } else break;
  }
  return { node: here, key };
}

/** Where a node starts in the text, or undefined for one that was not written (an empty value). */
export function offsetOf(node: unknown): number | undefined {
  const range = (node as Node | null | undefined)?.range;
  return range?.[0];
}

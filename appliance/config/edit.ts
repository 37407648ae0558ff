import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { TSchema } from '@sinclair/typebox';
import { Document, isMap, isScalar, isSeq, LineCounter } from 'yaml';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import type { Owner } from '../identity/owner.ts';
import type { LayerValues } from './layers.ts';
import { parseConfigText, parseYaml } from './parse.ts';
import { formatProblem } from './problem.ts';
import { CONFIG_KEYS, ConfigSchema, propertiesOf, withoutNull } from './schema.ts';
import { nearestKey } from './suggest.ts';
import { wantsText } from './validate.ts';
import { type NodeFault, pairName, plainValue } from './yaml-nodes.ts';

/** Mode of a device configuration that is made anew: the agent's group may read it, nobody else (it can hold a passphrase). */
const NEW_FILE_MODE = 0o640;

/**
 * The text with one key set (or, with `undefined`, removed), comments and order kept.
 *
 * @param value as typed: text for keys that hold text, YAML for the others (`[a, b]`, `{ssid: x}`, `60`)
 * @throws BulkheadError CONFIG_KEY_UNKNOWN, CONFIG_INVALID when the text was or would become invalid
 */
export function editConfigText(text: string, key: string, value: string | undefined, source: string): string {
  const schema = CONFIG_KEYS.get(key);
  if (!schema) throw unknownKey(key);
  const before = validOrThrow(text, source, 'is not valid as it stands', 'correct the file first');
  const document = text.trim() === '' ? new Document({}) : parseYaml(text, new LineCounter());
  // A file with nothing but comments has no contents to set a key in.
  if (document.contents === null)
    document.contents = document.createNode({}) as unknown as typeof document.contents;
  keepTexts(document.contents, ConfigSchema);
  const path = key.split('.');
  if (value === undefined) document.deleteIn(path);
  else {
    for (let depth = 1; depth < path.length; depth += 1) {
      // `network:` with nothing below is null, which cannot take a key.
      if (document.getIn(path.slice(0, depth)) === null)
        document.setIn(path.slice(0, depth), document.createNode({}));
    }
    document.setIn(path, document.createNode(typedValue(schema, value, key)));
  }
  const edited = document.toString({ lineWidth: 0 });
  const after = validOrThrow(edited, key, 'would not be valid', 'nothing was changed');
  for (const other of CONFIG_KEYS.keys()) {
    if (other !== key && !isDeepStrictEqual(before.get(other)?.value, after.get(other)?.value)) {
      throw new BulkheadError(
        'CONFIG_EDIT_UNSAFE',
        `setting '${key}' would also change '${other}' in ${source}`,
        {
          hint: 'edit the file by hand',
        },
      );
    }
  }
  return edited;
}

/**
 * Turns what was typed without quotes where a text belongs (`site_id: 0123`) into a text, because the YAML writer would
 * print the number it looks like (`123`).
 */
function keepTexts(node: unknown, schema: TSchema | undefined): void {
  const inner = schema && withoutNull(schema);
  if (!inner) return;
  if (isScalar(node)) {
    const typed = typeof node.value === 'number' || typeof node.value === 'boolean';
    if (typed && wantsText(inner) && node.source !== undefined) node.value = node.source;
  } else if (isSeq(node)) {
    for (const item of node.items) keepTexts(item, inner['items'] as TSchema | undefined);
  } else if (isMap(node)) {
    for (const pair of node.items) keepTexts(pair.value, propertiesOf(inner)?.[pairName(pair) ?? '']);
  }
}

/** What to say about a key that does not exist. */
export function unknownKey(key: string): BulkheadError {
  const near = nearestKey(key);
  return new BulkheadError('CONFIG_KEY_UNKNOWN', `'${key}' is not a key of the configuration`, {
    hint: near === undefined ? "'bulkhead config keys' lists them" : `did you mean '${near}'?`,
  });
}

/**
 * Sets or removes one key in a file, durably. Owner and mode of an existing file are kept.
 *
 * @param newOwner of a file that did not exist: root and the agent's group, or the agent could not read it
 * @returns whether the file had to be changed
 * @throws BulkheadError CONFIG_NOT_WRITABLE, and what editConfigText throws; the file is then as it was
 */
export function editConfigFile(
  path: string,
  key: string,
  value: string | undefined,
  newOwner?: Owner,
): boolean {
  let text = '';
  let owner: { uid: number; gid: number; mode: number } | undefined;
  try {
    owner = statSync(path);
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw notWritable(path, cause);
  }
  const edited = editConfigText(text, key, value, path);
  if (edited === text) return false;
  try {
    writeFileAtomic(path, edited, owner ? owner.mode & 0o777 : NEW_FILE_MODE);
    if (owner) {
      chmodSync(path, owner.mode & 0o777);
      chownSync(path, owner.uid, owner.gid);
    } else if (newOwner) chownSync(path, newOwner.uid, newOwner.gid);
  } catch (cause) {
    throw notWritable(path, cause);
  }
  return true;
}

function notWritable(path: string, cause: unknown): BulkheadError {
  return new BulkheadError('CONFIG_NOT_WRITABLE', `cannot change ${path}`, {
    cause,
    hint: 'run it as root on the appliance',
  });
}

function typedValue(schema: TSchema, value: string, key: string): unknown {
  if (wantsText(schema)) return value === 'null' ? null : value;
  const document = parseYaml(value, new LineCounter());
  const faults: NodeFault[] = [];
  const plain = plainValue(document.contents, schema, faults);
  if (document.errors.length > 0 || faults.length > 0) {
    throw new BulkheadError('CONFIG_INVALID', `the value for '${key}' is not valid YAML`, {
      hint: "write lists as '[a, b]' and sections as '{name: value}', in quotes for the shell",
    });
  }
  return plain;
}

function validOrThrow(text: string, source: string, what: string, hint: string): LayerValues {
  const { ok, problems, values } = parseConfigText(text, source);
  if (ok) return values;
  const reasons = problems.filter(({ severity }) => severity === 'error').map(formatProblem);
  throw new BulkheadError('CONFIG_INVALID', `${source} ${what}: ${reasons.join('; ')}`, { hint });
}

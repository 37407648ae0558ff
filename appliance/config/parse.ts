import type { TSchema } from '@sinclair/typebox';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { type ConfigValue, type LayerValues, mergeLayers } from './layers.ts';
import { CONFIG_MAX_BYTES, CONFIG_MAX_PROBLEMS } from './limits.ts';
import { readingOf, type VersionReading } from './migrations.ts';
import type { ConfigProblem } from './problem.ts';
import { CONFIG_KEYS, CONFIG_VERSION, type Config, ConfigSchema, propertiesOf } from './schema.ts';
import { nearestKey } from './suggest.ts';
import { looksPasted, validateValue } from './validate.ts';
import { constructFault, type NodeFault, nodeAt, offsetOf, pairName, plainValue } from './yaml-nodes.ts';

export interface ParsedConfig {
  /** False when the text has to be refused as a whole. */
  ok: boolean;
  /** The keys the text sets; empty when it was refused. */
  values: LayerValues;
  problems: ConfigProblem[];
  /** The text on top of the built-in values; the built-in values alone when it was refused. */
  config: Config;
}

/**
 * Reads one configuration file. Refuses it as a whole for anything that is not understood, and says why with lines;
 * values of secret keys never appear in what it says.
 *
 * @param source how the text is called in problems, usually its path
 * @param reading how files of another version are read; for tests
 */
export function parseConfigText(
  text: string,
  source: string,
  reading: (version: number) => VersionReading = readingOf,
): ParsedConfig {
  const parser = new ConfigParser(source, reading);
  parser.parse(text);
  const ok = parser.errors === 0;
  const values: LayerValues = ok ? parser.values : new Map();
  const { config } = mergeLayers([{ layer: 'device', values }]);
  return { ok, values, problems: parser.problems.slice(0, CONFIG_MAX_PROBLEMS), config };
}

/** Options of every YAML document here. `prettyErrors` would quote the line, and with it perhaps a passphrase. */
const YAML_OPTIONS = { version: '1.2', schema: 'core', prettyErrors: false, logLevel: 'error' } as const;

/** @throws whatever the parser throws on text it cannot take (nesting beyond the stack) */
export function parseYaml(text: string, lineCounter: LineCounter): Document.Parsed {
  return parseDocument(text, { ...YAML_OPTIONS, lineCounter });
}

class ConfigParser {
  readonly problems: ConfigProblem[] = [];
  readonly values = new Map<string, ConfigValue>();
  private readonly lines = new LineCounter();
  private version: VersionReading = { kind: 'current' };
  errors = 0;

  constructor(
    private readonly source: string,
    private readonly reading: (version: number) => VersionReading,
  ) {}

  parse(text: string): void {
    const size_bytes = Buffer.byteLength(text);
    if (size_bytes > CONFIG_MAX_BYTES) {
      this.report(null, null, `the file has ${size_bytes} bytes, at most ${CONFIG_MAX_BYTES} are read`);
      return;
    }
    let document: Document.Parsed;
    try {
      document = parseYaml(text, this.lines);
    } catch {
      // The parser recurses; what overflows its stack is nesting that no configuration has.
      this.report(null, null, 'the file is nested too deeply to be a configuration');
      return;
    }
    for (const error of document.errors.slice(0, CONFIG_MAX_PROBLEMS)) {
      this.report(null, error.pos[0], `not valid YAML: ${withoutQuotes(error.message)}`);
    }
    if (document.errors.length > 0) return;
    const root = document.contents;
    if (root === null || (isScalar(root) && root.value === null)) return;
    if (!isMap(root) || constructFault(root) !== undefined) {
      this.report(null, offsetOf(root), "the file is not a list of keys such as 'site_id: clinic-7'");
      return;
    }
    if (!this.readVersion(root)) return;
    this.readSection(root, ConfigSchema, '');
  }

  /** The version comes first: it decides how everything else is read. False when the file cannot be read at all. */
  private readVersion(root: unknown): boolean {
    const { node, key } = nodeAt(root, ['config_version']);
    if (key === null) return true;
    const { value, faults } = validateValue('config_version', plainValue(node, undefined, []));
    if (faults[0]) {
      this.report('config_version', offsetOf(key), faults[0].message);
      return false;
    }
    const version = value as number;
    this.version = this.reading(version);
    if (this.version.kind === 'too-old') {
      this.report(
        'config_version',
        offsetOf(key),
        `version ${version} is no longer read; the oldest is ${this.version.oldest}`,
      );
      return false;
    }
    if (this.version.kind === 'newer') {
      const message = `version ${version} is newer than this program (${CONFIG_VERSION}); what it does not know is left out`;
      this.report('config_version', offsetOf(key), message, 'warning');
    }
    return true;
  }

  private readSection(node: unknown, schema: TSchema, prefix: string): void {
    if (!isMap(node)) return;
    const properties = propertiesOf(schema) ?? {};
    for (const pair of node.items) {
      if (this.errors >= CONFIG_MAX_PROBLEMS) return;
      const name = pairName(pair);
      if (name === undefined) {
        this.report(null, offsetOf(pair.key), 'this is not a key');
        continue;
      }
      const written = `${prefix}${name}`;
      const key = this.version.kind === 'older' ? (this.version.renamed[written] ?? written) : written;
      const child = Object.hasOwn(properties, name) ? properties[name] : undefined;
      const keySchema = CONFIG_KEYS.get(key);
      if (keySchema) this.readKey(key, written, keySchema, pair.key, pair.value);
      else if (child) this.readChildSection(written, child, pair.key, pair.value);
      else this.unknown(written, offsetOf(pair.key));
    }
  }

  private readChildSection(key: string, schema: TSchema, keyNode: unknown, node: unknown): void {
    // `network:` with everything below it commented out is an empty section, not a mistake.
    if (node === null || (isScalar(node) && node.value === null)) return;
    const fault = constructFault(node);
    if (fault !== undefined || !isMap(node)) {
      const names = Object.keys(propertiesOf(schema) ?? {}).join(', ');
      this.refuse(
        key,
        offsetOf(keyNode),
        fault ?? `is a section; below it may stand: ${names || 'nothing yet'}`,
      );
      return;
    }
    this.readSection(node, schema, `${key}.`);
  }

  private readKey(key: string, written: string, schema: TSchema, keyNode: unknown, node: unknown): void {
    const nodeFaults: NodeFault[] = [];
    const raw = plainValue(node, schema, nodeFaults);
    for (const fault of nodeFaults)
      this.refuse(written, offsetOf(fault.node) ?? offsetOf(keyNode), fault.message);
    if (nodeFaults.length > 0) return;
    const { value, faults } = validateValue(key, raw);
    for (const fault of faults) {
      const at = nodeAt(node, fault.path);
      const path = fault.path.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join('');
      this.refuse(
        `${written}${path}`,
        offsetOf(at.key) ?? offsetOf(at.node) ?? offsetOf(keyNode),
        fault.message,
      );
    }
    if (faults.length > 0) return;
    this.values.set(key, { value, source: this.source, line: this.lineOf(offsetOf(keyNode)) });
  }

  private unknown(key: string, offset: number | undefined): void {
    // A later program's key is no typing mistake.
    const near = this.version.kind === 'newer' ? undefined : nearestKey(key);
    this.refuse(key, offset, `unknown key${near === undefined ? '' : `; did you mean '${near}'?`}`);
  }

  /** A fault of one key: an error, but in a file of a later version only a key that cannot be used. */
  private refuse(key: string, offset: number | undefined, message: string): void {
    this.report(key, offset, message, this.version.kind === 'newer' ? 'warning' : 'error');
  }

  private report(
    key: string | null,
    offset: number | null | undefined,
    message: string,
    severity: ConfigProblem['severity'] = 'error',
  ): void {
    if (severity === 'error') this.errors += 1;
    const line = this.lineOf(offset);
    this.problems.push({
      severity,
      source: this.source,
      line,
      key: key === null || looksPasted(key) ? null : printable(key),
      message: printable(message),
    });
  }

  private lineOf(offset: number | null | undefined): number | null {
    return offset === null || offset === undefined ? null : this.lines.linePos(offset).line;
  }
}

/** Problems go to the console and the journal: a line break or escape sequence from a file must not act there. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (found) => `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Some messages of the YAML parser quote the text they stumbled over, which may be a secret. */
function withoutQuotes(message: string): string {
  return (message.split('\n')[0] ?? '')
    .replace(/(['"`]).*\1/g, '…')
    .replace(/: .*$/, '')
    .slice(0, 120);
}

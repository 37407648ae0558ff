import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { parse } from 'yaml';
import { BulkheadError } from '../../../../base/errors.ts';
import { type Address, type AuthoritySource, parseAddress } from '../sdk/authority.ts';
import { CONFIG_MAX_BYTES, DEFAULT_PORT } from './limits.ts';

/** What the file may say; each has an option of the same name. */
const ConfigFile = t.Object(
  {
    appliance: t.Optional(t.String()),
    code: t.Optional(t.String()),
    ca: t.Optional(t.String()),
    fingerprint: t.Optional(t.String({ pattern: '^(sha256:)?([0-9A-Fa-f]{2}:?){32}$' })),
    trust_first: t.Optional(t.Boolean()),
    server_name: t.Optional(t.String()),
    state: t.Optional(t.String()),
    keyset: t.Optional(t.String()),
    update: t.Optional(t.Boolean()),
  },
  { additionalProperties: false },
);
export type ConfigFile = Static<typeof ConfigFile>;

export interface SensorConfig {
  /** null where nothing names it; `check` needs none. */
  address: Address | null;
  code: string | null;
  authority: AuthoritySource | null;
  server_name: string | null;
  /** The sensor's own folder. */
  state: string;
  /** Key sets whose releases are taken, instead of those that were built in; null: those. */
  keyset: string | null;
  update: boolean;
}

/** Where things lie on this system. */
export function defaultPaths(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): { config: string; state: string } {
  if (platform !== 'win32')
    return { config: '/etc/bulkhead-sensor/config.yaml', state: '/var/lib/bulkhead-sensor' };
  const folder = `${environment['ProgramData'] ?? 'C:\\ProgramData'}\\BulkheadSensor`;
  return { config: `${folder}\\config.yaml`, state: `${folder}\\state` };
}

/**
 * The file, with what the command line says on top of it.
 *
 * @param path of the file; one that was not named may be missing
 * @throws BulkheadError SENSOR_CONFIG_INVALID, SENSOR_ADDRESS_INVALID
 */
export function readConfig(
  given: ConfigFile & { config?: string },
  paths: ReturnType<typeof defaultPaths>,
): SensorConfig {
  const { config, ...options } = given;
  const file = readFile(config ?? paths.config, config !== undefined);
  const { appliance, code, ca, fingerprint, trust_first, server_name, state, keyset, update } = {
    ...file,
    ...options,
  };
  const authority = authorityOf({ ca, fingerprint, trust_first });
  return {
    address: appliance === undefined ? null : parseAddress(appliance, DEFAULT_PORT),
    ...{ code: code ?? null, authority, server_name: server_name ?? null },
    ...{ state: state ?? paths.state, keyset: keyset ?? null, update: update ?? true },
  };
}

function authorityOf(of: {
  ca: string | undefined;
  fingerprint: string | undefined;
  trust_first: boolean | undefined;
}): AuthoritySource | null {
  if (of.ca !== undefined) return { file: of.ca };
  if (of.fingerprint !== undefined) return { fingerprint: of.fingerprint };
  return of.trust_first === true ? { first_use: true } : null;
}

function readFile(path: string, named: boolean): ConfigFile {
  if (!named && !existsSync(path)) return {};
  const invalid = (why: string, cause?: unknown) =>
    new BulkheadError('SENSOR_CONFIG_INVALID', `the configuration ${path} cannot be used: ${why}`, {
      hint: 'the keys are in the documentation (operate, sensor); bulkhead-sensor run --help lists the same as options',
      ...(cause === undefined ? {} : { cause }),
    });
  let value: unknown;
  try {
    if (statSync(path).size > CONFIG_MAX_BYTES) throw invalid(`it is longer than ${CONFIG_MAX_BYTES} bytes`);
    value = parse(readFileSync(path, 'utf8')) ?? {};
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw invalid('it cannot be read', cause);
  }
  if (Value.Check(ConfigFile, value)) return value;
  const first = Value.Errors(ConfigFile, value).First();
  throw invalid(`${first?.path.slice(1) || 'it'}: ${first?.message ?? 'invalid'}`);
}

/** Files in the sensor's own folder. */
export function stateFiles(state: string): { identity: string; status: string } {
  return { identity: join(state, 'identity.json'), status: join(state, 'status.json') };
}

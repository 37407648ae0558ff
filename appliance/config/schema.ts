import { Kind, type Static, type TSchema, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { OneOf } from '../../base/schema.ts';
import { HEALING_MODES } from '../healing/decide/decide.ts';
import {
  BANDWIDTH_MIN_KIB_S,
  INTERFACES_MAX,
  JUSTIFICATIONS_MAX,
  POLL_INTERVAL_DEFAULT_S,
  POLL_INTERVAL_MAX_S,
  POLL_INTERVAL_MIN_S,
  SSH_KEYS_MAX,
  TARGETS_MAX,
  TIME_SERVERS_MAX,
} from './limits.ts';
import { Justification } from './schema-compliance.ts';
import { Interface, Wifi, Window } from './schema-entries.ts';
import { nullable, nullableText, section, text } from './schema-parts.ts';
import { Target } from './schema-targets.ts';

/**
 * The configuration: type, validation and documentation in one. A schema with a `default` is a *key* (replaced as a whole by
 * a higher layer), an object without one is a *section*. Annotations beside JSON Schema: `expects` ends the
 * sentence "expected …", `unit`, `secret` (never printed), and `unquoted` (printed, but a wrong value is not repeated in a message:
 * people paste secrets there, and the messages stand on an open page).
 */

/** The version of the key names. A file of the version before is read and migrated, see migrations.ts. */
export const CONFIG_VERSION = 1;

export const ConfigSchema = section(
  {
    config_version: t.Integer({
      minimum: 1,
      default: CONFIG_VERSION,
      description: 'version of the key names in this file; a file without it is read as version 1',
      expects: 'a whole number from 1',
    }),
    site_id: nullableText('bulkhead-site-id', {
      default: null,
      description: 'the site this appliance stands at, as the coordinator knows it',
      expects: 'text or null',
    }),
    hostname: nullableText('bulkhead-hostname', {
      default: null,
      description: "host name; null: 'bulkhead-' and the first 6 hex digits of the device id",
      expects: 'a host name or null',
    }),
    coordinator: section(
      {
        url: nullableText('bulkhead-https-url', {
          default: null,
          description: 'where the coordinator answers; null: the appliance works alone',
          expects: 'a URL that starts with https://, or null',
          unquoted: true,
        }),
        ca_certificate: nullableText('bulkhead-authorities', {
          default: null,
          description:
            'authorities that may vouch for the coordinator, in PEM, instead of those that the program knows; null: those',
          expects: 'certificates in PEM, or null',
          unquoted: true,
        }),
        provision_code: nullableText('bulkhead-enrolment-code', {
          default: null,
          description: 'code that lets the appliance in at its first enrolment; null: somebody approves it',
          expects: 'a code such as XXXX-XXXX-XXXX-XXXX, or null',
          secret: true,
        }),
        poll_interval_s: t.Integer({
          minimum: POLL_INTERVAL_MIN_S,
          maximum: POLL_INTERVAL_MAX_S,
          default: POLL_INTERVAL_DEFAULT_S,
          unit: 'seconds',
          description:
            'how often the appliance reports when nothing has changed, until the coordinator says how often',
          expects: `a whole number of seconds from ${POLL_INTERVAL_MIN_S} to ${POLL_INTERVAL_MAX_S}`,
        }),
      },
      'the central service',
    ),
    network: section(
      {
        interfaces: t.Array(Interface, {
          maxItems: INTERFACES_MAX,
          default: [],
          description: 'interfaces that need more than DHCP; every other ethernet interface uses DHCP',
          expects: 'a list of entries that start with match',
        }),
        wifi: nullable(Wifi, {
          default: null,
          description: 'one wireless network; without a card it is ignored',
          expects: 'null, or ssid, passphrase and country',
        }),
      },
      'addresses',
    ),
    time: section(
      {
        zone: text('bulkhead-time-zone', {
          default: 'UTC',
          description: 'time zone of the IANA database',
          expects: 'a time zone such as Europe/Berlin',
        }),
        servers: t.Array(
          text('bulkhead-host', { description: 'NTP server', expects: 'an IP address or host name' }),
          {
            maxItems: TIME_SERVERS_MAX,
            default: [],
            description: 'NTP servers; empty: those of DHCP, else those of the image',
            expects: 'a list of IP addresses or host names',
          },
        ),
      },
      'clock',
    ),
    ssh: section(
      {
        authorized_keys: t.Array(
          text('bulkhead-ssh-key', {
            description: 'public key',
            expects: 'a line as in a .pub file',
            unquoted: true,
          }),
          {
            maxItems: SSH_KEYS_MAX,
            default: [],
            description:
              'public keys (Ed25519, ECDSA, RSA from 3072 bits) that may log in as root; empty: SSH is off',
            expects: 'a list of public keys',
          },
        ),
      },
      'log-in by key',
    ),
    update: section(
      {
        url: nullableText('bulkhead-release-url', {
          default: null,
          description: 'bundle that `bulkhead update check` and `install` take when none is named',
          expects: 'a URL that starts with https:// or http://, or null',
          unquoted: true,
        }),
        window: nullable(Window, {
          default: null,
          description: 'when the appliance may reboot for an update; null: at any time',
          expects: 'null, or start, end and days',
        }),
        bandwidth_limit_kib_s: nullable(
          t.Integer({ minimum: BANDWIDTH_MIN_KIB_S, expects: 'a whole number' }),
          {
            default: null,
            unit: 'KiB/s',
            description: 'how fast updates are fetched at most; null: as fast as it goes',
            expects: `a whole number of KiB a second from ${BANDWIDTH_MIN_KIB_S}, or null`,
          },
        ),
        data_cap_mib: nullable(t.Integer({ minimum: 1, expects: 'a whole number' }), {
          default: null,
          unit: 'MiB',
          description:
            'what one update may fetch at most; a larger one is refused before it begins; null: no cap',
          expects: 'a whole number of MiB from 1, or null',
        }),
      },
      'how releases come to this appliance',
    ),
    sensors: section(
      {
        enabled: t.Boolean({
          default: true,
          description:
            'whether sensors on the network are heard, on TCP ports 8080 and 50051; false: the ports stay closed',
          expects: 'true or false',
        }),
      },
      'what reports to the appliance',
    ),
    healing: section(
      {
        mode: OneOf(HEALING_MODES, {
          default: 'on',
          description:
            'whether what is out of order is set right; dry_run: what would be done is put on record and not done; what an operator or the coordinator has switched can only make it less',
          expects: 'off, dry_run or on',
        }),
      },
      'what the appliance does about what it finds',
    ),
    targets: t.Array(Target, {
      maxItems: TARGETS_MAX,
      default: [],
      description: 'machines without a sensor that the appliance looks at itself',
      expects: 'a list of entries that start with name',
    }),
    compliance: section(
      {
        justifications: t.Array(Justification, {
          maxItems: JUSTIFICATIONS_MAX,
          default: [],
          description:
            'controls of the appliance that somebody answers for although they do not hold, each until a day',
          expects: 'a list of entries with control, reason and until',
        }),
      },
      'what the appliance is held to',
    ),
    firewall: section({}, 'has no keys yet: the rules are fixed'),
    install: section(
      {
        target: nullableText('bulkhead-disk', {
          default: null,
          description: 'disk to install on; null: the largest disk from 8 GB that is not the stick',
          expects: 'a disk such as /dev/sda, or null',
        }),
        hardware: t.Union([t.Literal('listed'), t.Literal('any')], {
          default: 'listed',
          description: 'listed: install on hardware that is known to work only; any: on whatever is there',
          expects: 'listed or any',
        }),
        reinstall: t.Boolean({
          default: false,
          description: 'install over an existing installation and its data',
          expects: 'true or false',
        }),
        keep_identity: t.Boolean({
          default: false,
          description: 'when installing over an installation: keep its identity',
          expects: 'true or false',
        }),
      },
      'read by the installer from the stick only',
    ),
  },
  'the configuration of an appliance',
);

export type Config = Static<typeof ConfigSchema>;
export type InterfaceConfig = Static<typeof Interface>;
export type WifiConfig = Static<typeof Wifi>;

/** Every key by its dotted name, in the order of the schema. */
export const CONFIG_KEYS: ReadonlyMap<string, TSchema> = new Map(keysOf(ConfigSchema, ''));

/** The values that hold when nothing is configured. A fresh copy each time. */
export function builtInConfig(): Config {
  return Value.Create(ConfigSchema);
}

/** The properties of a section or object schema; undefined for anything that is not an object. */
export function propertiesOf(schema: TSchema): Record<string, TSchema> | undefined {
  return schema[Kind] === 'Object' ? (schema['properties'] as Record<string, TSchema>) : undefined;
}

/** The schema without its null: what a value has to be when it is there. */
export function withoutNull(schema: TSchema): TSchema {
  if (schema[Kind] !== 'Union') return schema;
  const rest = (schema['anyOf'] as TSchema[]).filter((variant) => variant[Kind] !== 'Null');
  return rest.length === 1 && rest[0] ? rest[0] : schema;
}

/** A key's annotation as text; undefined when it has none. */
export function annotation(schema: TSchema, name: 'description' | 'expects' | 'unit'): string | undefined {
  const value: unknown = schema[name];
  return typeof value === 'string' ? value : undefined;
}

export function isSecret(schema: TSchema): boolean {
  return schema['secret'] === true;
}

/**
 * Whether a wrong value of this schema may be repeated in a message. Not where a secret belongs or is easily pasted, here or
 * inside: a passphrase written where the profile belongs, a key where the list of keys does.
 */
export function mayQuote(schema: TSchema): boolean {
  if (isSecret(schema) || schema['unquoted'] === true) return false;
  const inner = withoutNull(schema);
  if (inner !== schema) return mayQuote(inner);
  const parts =
    inner[Kind] === 'Array' ? [inner['items'] as TSchema] : Object.values(propertiesOf(inner) ?? {});
  return parts.every(mayQuote);
}

function keysOf(schema: TSchema, prefix: string): [string, TSchema][] {
  return Object.entries(propertiesOf(schema) ?? {}).flatMap(([name, child]): [string, TSchema][] => {
    const key = `${prefix}${name}`;
    return 'default' in child ? [[key, child]] : keysOf(child, `${key}.`);
  });
}

import { Kind, type Static, type TSchema, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { TextFormat } from './checks.ts';
import {
  ADDRESSES_MAX,
  DNS_SERVERS_MAX,
  INTERFACES_MAX,
  POLL_INTERVAL_DEFAULT_S,
  POLL_INTERVAL_MAX_S,
  POLL_INTERVAL_MIN_S,
  SSH_KEYS_MAX,
  TIME_SERVERS_MAX,
} from './limits.ts';

/**
 * The configuration: type, validation and documentation in one. A schema with a `default` is a *key* (replaced as a whole by
 * a higher layer), an object without one is a *section*. Annotations beside JSON Schema: `expects` ends the
 * sentence "expected …", `unit`, and `secret` (never printed).
 */

/** The version of the key names. A file of the version before is read and migrated, see migrations.ts. */
export const CONFIG_VERSION = 1;

interface Annotations {
  description: string;
  expects: string;
  default?: unknown;
  unit?: string;
  secret?: true;
}

const text = (format: TextFormat, annotations: Annotations) => t.String({ format, ...annotations });
const nullable = <T extends TSchema>(inner: T, annotations: Annotations) =>
  t.Union([inner, t.Null()], { ...annotations });
const nullableText = (format: TextFormat, annotations: Annotations) =>
  nullable(text(format, annotations), annotations);

const Interface = t.Object(
  {
    match: text('bulkhead-interface', {
      description: 'name (enp1s0) or MAC address of the interface this entry is about',
      expects: 'an interface name or a MAC address',
    }),
    dhcp: t.Boolean({
      description: 'ask for an IPv4 and IPv6 address; when left out: yes, unless addresses are given',
      expects: 'true or false',
    }),
    addresses: t.Array(
      text('bulkhead-cidr', {
        description: 'address with prefix length',
        expects: 'an address such as 192.168.1.10/24',
      }),
      {
        maxItems: ADDRESSES_MAX,
        description: 'fixed addresses, IPv4 and IPv6',
        expects: 'a list of addresses such as [192.168.1.10/24]',
      },
    ),
    gateway: nullableText('bulkhead-ip', {
      description: 'default router, inside one of the addresses; IPv6 routers also announce themselves',
      expects: 'an IP address or null',
    }),
    dns: t.Array(text('bulkhead-ip', { description: 'name server', expects: 'an IP address' }), {
      maxItems: DNS_SERVERS_MAX,
      description: 'name servers; with DHCP in addition to those it brings',
      expects: 'a list of IP addresses',
    }),
  },
  { additionalProperties: false, expects: 'an entry with match, dhcp, addresses, gateway, dns' },
);

const Wifi = t.Object(
  {
    ssid: text('bulkhead-ssid', { description: 'name of the network, 1 to 32 bytes', expects: 'text' }),
    passphrase: text('bulkhead-passphrase', {
      description: 'WPA2/WPA3 passphrase, 8 to 63 printable ASCII characters, or 64 hex digits',
      expects: 'text in quotes',
      secret: true,
    }),
    country: nullable(t.String({ pattern: '^[A-Z]{2}$', expects: 'two capital letters' }), {
      description: 'ISO 3166 code of where the appliance stands; null: only what is allowed everywhere',
      expects: 'two capital letters such as DE, or null',
    }),
  },
  { additionalProperties: false, expects: 'null, or ssid, passphrase and country' },
);

const section = <T extends Record<string, TSchema>>(properties: T, description: string) =>
  t.Object(properties, { additionalProperties: false, description });

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
        }),
        poll_interval_s: t.Integer({
          minimum: POLL_INTERVAL_MIN_S,
          maximum: POLL_INTERVAL_MAX_S,
          default: POLL_INTERVAL_DEFAULT_S,
          unit: 'seconds',
          description: 'how often the appliance reports when nothing changed',
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
          text('bulkhead-ssh-key', { description: 'public key', expects: 'a line as in a .pub file' }),
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

/** Whether a value of this schema may carry a secret, itself or inside (a passphrase written where the profile belongs). */
export function holdsSecret(schema: TSchema): boolean {
  const inner = withoutNull(schema);
  return isSecret(inner) || Object.values(propertiesOf(inner) ?? {}).some(holdsSecret);
}

function keysOf(schema: TSchema, prefix: string): [string, TSchema][] {
  return Object.entries(propertiesOf(schema) ?? {}).flatMap(([name, child]): [string, TSchema][] => {
    const key = `${prefix}${name}`;
    return 'default' in child ? [[key, child]] : keysOf(child, `${key}.`);
  });
}

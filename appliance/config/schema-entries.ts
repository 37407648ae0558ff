import { Type as t } from '@sinclair/typebox';
import { WEEKDAYS } from '../../updater/maintenance-window.ts';
import { ADDRESSES_MAX, DNS_SERVERS_MAX } from './limits.ts';
import { nullable, nullableText, text } from './schema-parts.ts';

/** The values of the configuration that have keys of their own. */
export const Interface = t.Object(
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

export const Wifi = t.Object(
  {
    ssid: text('bulkhead-ssid', {
      description: 'name of the network, 1 to 32 bytes',
      expects: 'text',
      unquoted: true,
    }),
    passphrase: text('bulkhead-passphrase', {
      description: 'WPA2/WPA3 passphrase, 8 to 63 printable ASCII characters, or 64 hex digits',
      expects: 'text in quotes',
      secret: true,
    }),
    country: nullable(t.String({ pattern: '^[A-Z]{2}$', expects: 'two capital letters', unquoted: true }), {
      description: 'ISO 3166 code of where the appliance stands; null: only what is allowed everywhere',
      expects: 'two capital letters such as DE, or null',
      unquoted: true,
    }),
  },
  { additionalProperties: false, expects: 'null, or ssid, passphrase and country' },
);

export const Window = t.Object(
  {
    start: text('bulkhead-time-of-day', {
      description: 'when it begins, local time of time.zone',
      expects: "a time in quotes such as '02:00'",
    }),
    end: text('bulkhead-time-of-day', {
      description: 'when it ends; before start: on the next day; the same: a whole day',
      expects: "a time in quotes such as '04:00'",
    }),
    days: t.Array(
      t.Union(
        WEEKDAYS.map((day) => t.Literal(day)),
        { description: 'day of the week', expects: 'mon, tue, wed, thu, fri, sat or sun' },
      ),
      {
        minItems: 1,
        maxItems: WEEKDAYS.length,
        description: 'days on which it begins',
        expects: 'a list such as [sat, sun]',
      },
    ),
  },
  { additionalProperties: false, expects: 'null, or start, end and days' },
);

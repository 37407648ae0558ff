import { BlockList, isIP } from 'node:net';
import { FormatRegistry } from '@sinclair/typebox';
import { readCode } from '../../protocol/messages/enrolment.ts';
import { authoritiesFault } from './authorities.ts';
import { COMPLIANCE_CHECKS } from './compliance-checks.ts';
import { PASSPHRASE_MAX_CHARS, PASSPHRASE_MIN_CHARS, SITE_ID_MAX_CHARS, SSID_MAX_BYTES } from './limits.ts';
import { sshKeyFault } from './ssh-key.ts';
import { TARGET_CHECKS } from './target-checks.ts';

/** Says what is wrong with a text, as the end of a sentence ("is not …"), or null when it is right. */
export type TextCheck = (text: string) => string | null;

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The texts that the schema knows by name. Each becomes a TypeBox format, so that one schema validates,
 * and each explains itself, so that a person learns what to change.
 */
const TEXT_CHECKS = {
  ...TARGET_CHECKS,
  ...COMPLIANCE_CHECKS,
  'bulkhead-site-id': (text) =>
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) && text.length <= SITE_ID_MAX_CHARS
      ? null
      : `is not 1 to ${SITE_ID_MAX_CHARS} letters, digits, '.', '_' or '-', starting with a letter or digit`,
  // RFC 1123 section 2.1, one label: a dot would make networkd and mDNS disagree about the name.
  'bulkhead-hostname': (text) =>
    LABEL.test(text) && text !== 'localhost'
      ? null
      : "is not a host name of one part: 1 to 63 lower-case letters, digits and '-'",
  'bulkhead-https-url': httpsUrlFault,
  'bulkhead-release-url': releaseUrlFault,
  'bulkhead-authorities': authoritiesFault,
  'bulkhead-enrolment-code': (text) =>
    readCode(text) === undefined
      ? "is not a code of 16 letters and digits as 'enrolment-code create' of the coordinator prints it"
      : null,
  'bulkhead-time-of-day': (text) =>
    /^([01]\d|2[0-3]):[0-5]\d$/.test(text) ? null : "is not a time of day with 24 hours such as '02:30'",
  'bulkhead-interface': (text) =>
    isMac(text) || (/^[A-Za-z][A-Za-z0-9_.-]{0,14}$/.test(text) && text !== 'lo')
      ? null
      : 'is neither an interface name such as enp1s0 nor a MAC address such as 00:11:22:33:44:55',
  'bulkhead-cidr': (text) =>
    parseCidr(text) ? null : 'is not an address with prefix length such as 192.168.1.10/24',
  'bulkhead-ip': (text) => (ipFamily(text) ? null : 'is not an IP address'),
  'bulkhead-host': (text) =>
    ipFamily(text) ||
    (text.length <= 253 && !/^[\d.]+$/.test(text) && text.split('.').every((part) => LABEL.test(part)))
      ? null
      : 'is neither an IP address nor a host name in lower case',
  'bulkhead-time-zone': timeZoneFault,
  'bulkhead-ssh-key': sshKeyFault,
  'bulkhead-ssid': (text) =>
    text.length > 0 && Buffer.byteLength(text) <= SSID_MAX_BYTES && !text.includes('\0')
      ? null
      : `is not 1 to ${SSID_MAX_BYTES} bytes long`,
  'bulkhead-passphrase': (text) =>
    new RegExp(`^[\\x20-\\x7e]{${PASSPHRASE_MIN_CHARS},${PASSPHRASE_MAX_CHARS}}$`).test(text) ||
    /^[0-9a-fA-F]{64}$/.test(text)
      ? null
      : `is not ${PASSPHRASE_MIN_CHARS} to ${PASSPHRASE_MAX_CHARS} printable ASCII characters (or a key of 64 hex digits)`,
  // A whole disk: a partition as target would be a partition table inside a partition.
  'bulkhead-disk': (text) =>
    /^\/dev\/(sd[a-z]{1,2}|vd[a-z]{1,2}|nvme\d+n\d+|mmcblk\d+|disk\/by-(id|path)\/[A-Za-z0-9._:+-]+)$/.test(
      text,
    ) && !/-part\d+$/.test(text)
      ? null
      : 'is not a whole disk such as /dev/sda, /dev/nvme0n1, /dev/mmcblk0 or /dev/disk/by-id/…',
} as const satisfies Record<string, TextCheck>;

export type TextFormat = keyof typeof TEXT_CHECKS;

for (const [name, fault] of Object.entries(TEXT_CHECKS)) {
  FormatRegistry.Set(name, (text) => fault(text) === null);
}

/** The check behind a format name of the schema, if it is one of ours. */
export function textCheck(format: unknown): TextCheck | undefined {
  return typeof format === 'string' && Object.hasOwn(TEXT_CHECKS, format)
    ? TEXT_CHECKS[format as TextFormat]
    : undefined;
}

export function isMac(text: string): boolean {
  return /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i.test(text);
}

export interface Cidr {
  address: string;
  prefix: number;
  family: 'ipv4' | 'ipv6';
}

/** `192.168.1.10/24` or `2001:db8::5/64`; undefined for anything else, a missing prefix length included. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([0-9A-Fa-f.:]+)\/(\d{1,3})$/.exec(text);
  const family = match?.[1] === undefined ? undefined : ipFamily(match[1]);
  if (!match?.[1] || !family) return undefined;
  const prefix = Number(match[2]);
  if (prefix < 1 || prefix > (family === 'ipv4' ? 32 : 128)) return undefined;
  return { address: match[1], prefix, family };
}

function ipFamily(text: string): 'ipv4' | 'ipv6' | undefined {
  // Zone ids (`fe80::1%eth0`) are refused: the interface is named by the entry the address stands in.
  if (text.includes('%')) return undefined;
  const version = isIP(text);
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined;
}

/** Whether the address lies in the network of the CIDR. */
export function subnetHolds(cidr: Cidr, address: string): boolean {
  const family = ipFamily(address);
  if (family !== cidr.family) return false;
  const subnet = new BlockList();
  subnet.addSubnet(cidr.address, cidr.prefix, cidr.family);
  return subnet.check(address, family);
}

function httpsUrlFault(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'is not a URL such as https://coordinator.example.org';
  }
  if (url.protocol !== 'https:') return 'does not start with https://';
  // The URL is shown on an open page and in logs.
  if (url.username || url.password) return 'holds a user name or password, which has no place in a URL';
  if (url.search || url.hash || /[\s?#]/.test(text))
    return 'has a query or fragment (or a blank), which has no meaning here';
  return null;
}

/** Plain HTTP is enough: what is fetched is signed. */
function releaseUrlFault(text: string): string | null {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return 'is not a URL such as https://releases.example.org/bulkhead.bundle';
  }
  // The URL is shown on an open page and in logs.
  if (url.username || url.password) return 'holds a user name or password, which has no place in a URL';
  return url.hash ? 'has a fragment, which has no meaning here' : null;
}

function timeZoneFault(text: string): string | null {
  const fault = 'is not a time zone of the IANA database such as UTC or Europe/Berlin';
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/.test(text)) return fault;
  try {
    const known = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
    // Intl ignores case, the files below /usr/share/zoneinfo do not.
    if (known !== text && known.toLowerCase() === text.toLowerCase()) return `is spelt '${known}'`;
    return null;
  } catch {
    return fault;
  }
}

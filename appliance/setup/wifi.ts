import { pbkdf2Sync } from 'node:crypto';
import type { WifiConfig } from '../config/schema.ts';

/**
 * The configuration of wpa_supplicant (wpa_supplicant.conf(5)) for the one profile. The SSID is written in hex, which
 * needs no quoting. WPA3 (SAE) needs the passphrase itself. Where it holds a quotation mark, wpa_supplicant would take a later `#`
 * for a comment (seen with 2.10), so the WPA2 key is derived from it instead; a 64-digit key is one already.
 * Management frames are protected where the access point can.
 */
export function wifiConfigText({ ssid, passphrase, country }: WifiConfig): string {
  const isKey = /^[0-9a-fA-F]{64}$/.test(passphrase);
  const asKey = isKey || passphrase.includes('"');
  const key = isKey ? passphrase.toLowerCase() : wpaKey(ssid, passphrase);
  return `${[
    '# Made by `bulkhead setup` from the configuration at each boot. Changes here are lost.',
    'update_config=0',
    ...(country === null ? [] : [`country=${country}`]),
    'network={',
    `  ssid=${Buffer.from(ssid).toString('hex')}`,
    '  scan_ssid=1',
    `  key_mgmt=WPA-PSK WPA-PSK-SHA256${asKey ? '' : ' SAE'}`,
    '  ieee80211w=1',
    `  psk=${asKey ? key : `"${passphrase}"`}`,
    '}',
  ].join('\n')}\n`;
}

/** IEEE 802.11-2020, annex J.4.1: PBKDF2 with HMAC-SHA-1, 4096 rounds, 256 bits; the SSID is the salt. */
export function wpaKey(ssid: string, passphrase: string): string {
  return pbkdf2Sync(passphrase, Buffer.from(ssid), 4096, 32, 'sha1').toString('hex');
}

import {
  PRIVATE_KEY_MAX_CHARS,
  SECRET_PATH_MAX_CHARS,
  TARGET_NAME_MAX_CHARS,
  TARGET_PASSWORD_MAX_CHARS,
  TARGET_USER_MAX_CHARS,
} from './limits.ts';
import { sshKeyFault } from './ssh-key.ts';

/** Texts of the entries of targets, each with what is wrong with it as the end of a sentence, or null. */
export const TARGET_CHECKS = {
  'bulkhead-target-name': (text: string) =>
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text) && text.length <= TARGET_NAME_MAX_CHARS
      ? null
      : `is not 1 to ${TARGET_NAME_MAX_CHARS} lower-case letters, digits and '-', with a letter or digit at both ends`,
  'bulkhead-target-user': (text: string) =>
    /^[\p{L}\p{N}_.@\\ $-]+$/u.test(text) &&
    /^[^-\s]/.test(text) &&
    text.split('\\').length <= 2 &&
    text.length <= TARGET_USER_MAX_CHARS
      ? null
      : "is not the name of a user: letters, digits, '_', '.', '-', '@', and one '\\' behind a domain",
  'bulkhead-target-password': (text: string) =>
    text.length > 0 && text.length <= TARGET_PASSWORD_MAX_CHARS && !/\p{Cc}/u.test(text)
      ? null
      : `is not 1 to ${TARGET_PASSWORD_MAX_CHARS} characters on one line`,
  'bulkhead-secret-file': (text: string) =>
    /^(\/[A-Za-z0-9._@-]+)+$/.test(text) &&
    !/\/\.{1,2}(\/|$)/.test(text) &&
    text.length <= SECRET_PATH_MAX_CHARS
      ? null
      : "is not an absolute path of letters, digits, '.', '_', '@' and '-'",
  'bulkhead-private-key': (text: string) =>
    /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s/.test(text) && text.length <= PRIVATE_KEY_MAX_CHARS
      ? null
      : "is not a private key that begins with '-----BEGIN … PRIVATE KEY-----'",
  'bulkhead-host-key': (text: string) => {
    if (/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(text)) return null;
    const fault = sshKeyFault(text);
    return fault === null ? null : `is no fingerprint (SHA256:…), and as a public key ${fault}`;
  },
  'bulkhead-sha256': (text: string) =>
    /^[0-9a-f]{64}$/.test(text.replaceAll(':', '').toLowerCase())
      ? null
      : 'is not a SHA-256 of 64 hex digits, with or without colons',
} as const;

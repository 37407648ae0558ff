/** Flags of NTLM that are used here (MS-NLMP 2.2.2.5). */
export const NTLM = {
  UNICODE: 0x0000_0001,
  REQUEST_TARGET: 0x0000_0004,
  SIGN: 0x0000_0010,
  SEAL: 0x0000_0020,
  NTLM: 0x0000_0200,
  ALWAYS_SIGN: 0x0000_8000,
  EXTENDED_SESSION_SECURITY: 0x0008_0000,
  TARGET_INFO: 0x0080_0000,
  VERSION: 0x0200_0000,
  KEY_128: 0x2000_0000,
  KEY_EXCHANGE: 0x4000_0000,
  KEY_56: 0x8000_0000,
} as const;

/** Attributes of the target information (MS-NLMP 2.2.2.1). */
export const AV = {
  END: 0,
  COMPUTER_NAME: 1,
  DOMAIN_NAME: 2,
  FLAGS: 6,
  TIMESTAMP: 7,
  TARGET_NAME: 9,
  CHANNEL_BINDINGS: 10,
} as const;

export const SIGNATURE = Buffer.from('NTLMSSP\0', 'latin1');
/** Windows 10 and the only revision there is; for debugging only (MS-NLMP 2.2.2.10). */
export const VERSION = Buffer.from('0a0063450000000f', 'hex');

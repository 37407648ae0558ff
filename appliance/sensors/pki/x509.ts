// @peculiar/x509 puts its parts together by tsyringe, which refuses to load without these; so they come first.
import 'reflect-metadata';

export * as x509 from '@peculiar/x509';

/** Every key that is made here. (SP 800-57: 128 bits of strength; every TLS stack has it.) */
export const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

import { readFileSync } from 'node:fs';

/** Numeric user and group of a file. */
export interface Owner {
  uid: number;
  gid: number;
}

/** The user that the agent runs as. */
export const AGENT_USER = 'msp';

/** The user of the service that looks after the site: sensors, findings, healing, evidence. */
export const SITE_USER = 'bulkhead-site';

/** The agent's user by a passwd(5) file; undefined when it is not in it. */
export const agentOwner = (passwdFile?: string): Owner | undefined => userOwner(AGENT_USER, passwdFile);

/** A user by a passwd(5) file; undefined when it is not in it. */
export function userOwner(user: string, passwdFile = '/etc/passwd'): Owner | undefined {
  let passwd = '';
  try {
    passwd = readFileSync(passwdFile, 'utf8');
  } catch {
    // Reads as "no such user".
  }
  const line = passwd.split('\n').find((entry) => entry.startsWith(`${user}:`));
  const [, , uid, gid] = (line ?? '').split(':').map(Number);
  return uid !== undefined && gid !== undefined && Number.isInteger(uid) && Number.isInteger(gid)
    ? { uid, gid }
    : undefined;
}

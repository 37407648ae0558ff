/** passwd(5) and shadow(5). */

export interface Account {
  name: string;
  uid: number;
  shell: string;
}

/** The accounts of a passwd file; lines that are none are left out. */
export function parseAccounts(passwd: string): Account[] {
  return passwd.split('\n').flatMap((line) => {
    const [name, , uid, , , , shell] = line.split(':');
    if (!name || shell === undefined || !/^\d+$/.test(uid ?? '')) return [];
    return [{ name, uid: Number(uid), shell }];
  });
}

/** Shells that let nobody in; an empty field means /bin/sh (passwd(5)). */
export function letsIn({ shell }: Account): boolean {
  return !/\/(?:nologin|false|sync)$/.test(shell);
}

/**
 * Who can be asked for a password. A field that begins with `!` or `*` matches no password (shadow(5)); an empty one asks for none.
 */
export function parsePasswords(shadow: string): { set: string[]; empty: string[] } {
  const set: string[] = [];
  const empty: string[] = [];
  for (const line of shadow.split('\n')) {
    const [name, hash] = line.split(':');
    if (!name || hash === undefined) continue;
    if (hash === '') empty.push(name);
    else if (!/^[!*]/.test(hash)) set.push(name);
  }
  return { set, empty };
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, listed, type Verdict } from '../check.ts';

export const usersCheck: Check = {
  check_type: 'users',
  look: async ({ root }) =>
    judgeUsers(
      readFileSync(join(root, 'etc/passwd'), 'utf8'),
      readFileSync(join(root, 'etc/shadow'), 'utf8'),
    ),
};

/** @param passwd passwd(5) @param shadow shadow(5) */
export function judgeUsers(passwd: string, shadow: string): Verdict {
  const accounts = rows(passwd);
  if (accounts.length === 0) throw new Error('there are no accounts in /etc/passwd');
  const likeRoot = accounts
    .filter(([name, , uid]) => uid === '0' && name !== 'root')
    .map(([name = '']) => name);
  // An empty field logs in without a question; one of `x` sends the reader to shadow(5).
  const open = [...accounts, ...rows(shadow)].filter(([, hash]) => hash === '').map(([name = '']) => name);
  const uids = Map.groupBy(accounts, ([, , uid]) => uid);
  const shared = [...uids]
    .filter(([uid, same]) => uid !== '0' && same.length > 1)
    .map(([, same]) => same.map(([name]) => name).join(' = '));
  const wrong = [
    ...(likeRoot.length > 0 ? [`as powerful as root: ${listed(likeRoot)}`] : []),
    ...(open.length > 0 ? [`without a password: ${listed([...new Set(open)])}`] : []),
    ...(shared.length > 0 ? [`one number for several: ${listed(shared)}`] : []),
  ];
  const [first] = [...likeRoot, ...open];
  return {
    passed: wrong.length === 0,
    expected: 'one account a number, none but root with number 0, none without a password',
    actual: wrong.length === 0 ? `${accounts.length} accounts, all in order` : wrong.join('; '),
    metadata: first === undefined ? {} : { user: first },
  };
}

function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => /^[^#:+-][^:]*:/.test(line))
    .map((line) => line.split(':'));
}

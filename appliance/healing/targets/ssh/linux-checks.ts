import { BulkheadError } from '../../../../base/errors.ts';
import type { LinuxCheck } from '../../../config/schema-targets.ts';
import { CLOCK_OFF_MAX_S, DISK_USED_MAX_PERCENT, PACKAGE_LISTS_MAX_AGE_S } from '../limits.ts';
import { namesOf, type Outcome } from '../outcome.ts';
import type { Answer } from './answer.ts';

interface LinuxCheckDefinition {
  /** Prints lines of `name=value`. Changes nothing. */
  script: string;
  /** @throws BulkheadError TARGET_ANSWER_INVALID, TARGET_CHECK_UNANSWERED when the machine could not say */
  read(answer: Answer, now_s: number): Outcome;
}

/** What is looked at on a Linux machine. */
export const LINUX_CHECK_DEFINITIONS: Readonly<Record<LinuxCheck, LinuxCheckDefinition>> = {
  patches: {
    script: `has apt-get || { echo manager=other; return; }
echo manager=apt
echo now=$(date +%s)
for stamp in /var/lib/apt/lists /var/lib/apt/periodic/update-success-stamp; do
  [ -e "$stamp" ] && echo listed_at=$(stat -c %Y "$stamp")
done
plan=$(apt-get -s -q -o Debug::NoLocking=true dist-upgrade) || return
echo all=$(printf '%s\\n' "$plan" | grep -c '^Inst ')
printf '%s\\n' "$plan" | grep '^Inst ' | grep -i security | head -n 100 | while read -r word name rest; do echo security="$name"; done
echo planned=yes`,
    read(answer, _) {
      if (answer.one('manager', /^(apt|other)$/) === 'other')
        throw unanswered('patches', 'it has no apt', 'leave patches out of its checks');
      if (answer.all('planned').length === 0)
        throw unanswered(
          'patches',
          'apt cannot say what it would install',
          "look at 'apt-get -s dist-upgrade'",
        );
      const security = answer.all('security');
      const listed_at = Math.max(0, ...answer.all('listed_at').map(Number));
      const age_s = answer.number('now') - listed_at;
      const stale = age_s > PACKAGE_LISTS_MAX_AGE_S;
      const waiting =
        security.length === 0 ? 'no security update waits' : `${security.length} wait: ${namesOf(security)}`;
      const days = Math.floor(age_s / 86_400);
      return {
        passed: security.length === 0 && !stale,
        expected: `no security update waits, by package lists of the last ${PACKAGE_LISTS_MAX_AGE_S / 86_400} days`,
        actual: stale ? `${waiting}, by package lists of ${days} days ago` : waiting,
        severity: security.length > 0 ? 'high' : 'medium',
        metadata: { security: String(security.length), all: String(answer.number('all')) },
      };
    },
  },
  ssh: {
    script: `as_root sshd -T | grep -E '^(permitrootlogin|passwordauthentication|permitemptypasswords) [a-z-]+$' | tr ' ' '='`,
    read(answer) {
      if (answer.all('passwordauthentication').length === 0)
        throw unanswered('ssh', "'sshd -T' says nothing", NEEDS_ROOT);
      const [root, password, empty] = [
        'permitrootlogin',
        'passwordauthentication',
        'permitemptypasswords',
      ].map((name) => answer.one(name, /^[a-z-]+$/));
      return {
        passed: root !== 'yes' && password === 'no' && empty === 'no',
        expected: 'log-in by key only, no log-in of root by password, no empty passwords',
        actual: `root: ${root}, by password: ${password}, empty passwords: ${empty}`,
        severity: empty === 'yes' ? 'critical' : 'high',
        metadata: {},
      };
    },
  },
  firewall: {
    script: `if rules=$(as_root nft list ruleset); then
  echo nft=$(printf '%s\\n' "$rules" | grep -c 'type filter hook input .*policy drop')
fi
if first=$(as_root iptables -S INPUT); then echo iptables=$(printf '%s\\n' "$first" | head -n 1 | cut -d ' ' -f 3); fi
has firewall-cmd && echo firewalld=$(firewall-cmd --state | head -n 1)
if state=$(as_root ufw status); then echo ufw=$(printf '%s\\n' "$state" | head -n 1 | cut -d ' ' -f 2); fi
echo looked=yes`,
    read(answer) {
      answer.one('looked', /^yes$/);
      const said = ['nft', 'iptables', 'firewalld', 'ufw'].flatMap((tool) =>
        answer.all(tool).map((state) => [tool, state] as const),
      );
      if (said.length === 0) throw unanswered('firewall', 'no tool of a firewall answers', NEEDS_ROOT);
      const closed = said.filter(([tool, state]) =>
        tool === 'nft' ? Number(state) > 0 : /^(DROP|REJECT|running|active)$/.test(state),
      );
      return {
        passed: closed.length > 0,
        expected: 'what nobody allowed is dropped on its way in',
        actual:
          closed.length > 0
            ? `by ${namesOf(closed.map(([tool]) => tool))}`
            : 'everything that comes in is let through',
        severity: 'high',
        metadata: Object.fromEntries(said),
      };
    },
  },
  disk: {
    script: `{ df -P -k | awk 'NR > 1 && $1 ~ /^\\/dev\\// && $1 !~ /^\\/dev\\/loop/'; df -P -k / | tail -n 1; } |
awk '{ sub("%", "", $5); print "fs=" $5 " " $6 }' | sort -u | head -n 100`,
    read(answer) {
      const systems = answer.all('fs').map((line) => {
        const [, used = '', mount = ''] = /^(\d{1,3}) (\/.*)$/.exec(line) ?? [];
        return { used: Number(used), mount };
      });
      const fullest = systems.toSorted((a, b) => b.used - a.used)[0];
      if (!fullest || systems.some(({ mount }) => mount === ''))
        throw unanswered('disk', "'df' names no file system");
      const full = systems.filter(({ used }) => used > DISK_USED_MAX_PERCENT);
      const shown = (list: typeof systems) => namesOf(list.map(({ used, mount }) => `${mount} ${used}%`));
      return {
        passed: full.length === 0,
        expected: `no file system above ${DISK_USED_MAX_PERCENT}%`,
        actual: full.length === 0 ? `fullest: ${shown([fullest])}` : shown(full),
        severity: fullest.used >= 98 ? 'high' : 'medium',
        metadata: { mount: fullest.mount, used_percent: String(fullest.used) },
      };
    },
  },
  services: {
    script: `if failed=$(systemctl --failed --plain --no-legend --no-pager); then
  printf '%s\\n' "$failed" | head -n 100 | while read -r unit rest; do [ -n "$unit" ] && echo failed="$unit"; done
  echo looked=yes
fi`,
    read(answer) {
      if (answer.all('looked').length === 0)
        throw unanswered('services', 'systemctl does not answer', 'leave services out of its checks');
      const failed = answer.all('failed');
      const service = failed.find((unit) => unit.endsWith('.service'));
      return {
        passed: failed.length === 0,
        expected: 'no unit has failed',
        actual: failed.length === 0 ? 'none has failed' : `failed: ${namesOf(failed)}`,
        severity: 'medium',
        metadata: service === undefined ? {} : { service },
      };
    },
  },
  time: {
    script: `echo now=$(date +%s)
has timedatectl && echo synchronized=$(timedatectl show -p NTPSynchronized --value)`,
    read(answer, now_s) {
      const off_s = answer.number('now') - now_s;
      const [synchronized = 'unknown'] = answer.all('synchronized').filter((said) => /^(yes|no)$/.test(said));
      return {
        passed: Math.abs(off_s) <= CLOCK_OFF_MAX_S && synchronized !== 'no',
        expected: `at most ${CLOCK_OFF_MAX_S} s from the appliance's clock, and kept so`,
        actual: `${off_s === 0 ? 'no' : `${off_s} s`} difference, kept by a time server: ${synchronized}`,
        severity: Math.abs(off_s) > 300 ? 'high' : 'medium',
        metadata: { off_s: String(off_s), synchronized },
      };
    },
  },
  users: {
    script: `awk -F: '$3 == 0 { print "uid0=" $1 }' /etc/passwd | head -n 50
if empty=$(as_root awk -F: '$2 == "" { print "empty=" $1 }' /etc/shadow); then
  printf '%s\\n' "$empty" | grep . | head -n 50
  echo shadow=read
fi`,
    read(answer) {
      const others = answer.all('uid0').filter((name) => name !== 'root');
      if (answer.all('shadow').length === 0)
        throw unanswered('users', '/etc/shadow cannot be read', NEEDS_ROOT);
      const empty = answer.all('empty');
      const words = [
        ...(others.length > 0 ? [`root's rights: ${namesOf(others)}`] : []),
        ...(empty.length > 0 ? [`empty password: ${namesOf(empty)}`] : []),
      ];
      return {
        passed: words.length === 0,
        expected: "nobody but root has root's rights, and nobody an empty password",
        actual: words.length === 0 ? 'as expected' : words.join('; '),
        severity: 'critical',
        metadata: { uid0: others.join(','), empty: empty.join(',') },
      };
    },
  },
};

const NEEDS_ROOT = 'log in as root, or let the user run it by sudo without a password';

function unanswered(check: string, why: string, hint?: string): BulkheadError {
  return new BulkheadError('TARGET_CHECK_UNANSWERED', `nothing is known about '${check}': ${why}`, {
    ...(hint === undefined ? {} : { hint }),
  });
}

import { BulkheadError } from '../../../../base/errors.ts';
import type { ActionName, ActionParams } from '../../actions.ts';
import { shellQuote } from './quote.ts';
import type { SshPeer } from './session.ts';

/**
 * What the actions of the closed list are on a Linux machine. Values come in as words of the shell in single quotes, and were held to
 * the form of their parameter before.
 */
const BODIES: Readonly<
  Partial<Record<ActionName, (value: (name: string) => string, peer: SshPeer) => string>>
> = {
  restart_time_sync: () => `for unit in systemd-timesyncd chrony chronyd ntpsec ntp ntpd openntpd; do
  if systemctl cat "$unit.service" >/dev/null 2>&1; then as_root systemctl restart "$unit.service"; return; fi
done
echo 'no service that keeps the clock is installed' >&2
return 1`,
  free_disk_space: () => `status=1
if has journalctl && as_root journalctl --rotate --vacuum-size=64M; then status=0; fi
if has apt-get && as_root apt-get -q clean; then status=0; fi
if has dnf && as_root dnf -q clean packages; then status=0; fi
return $status`,
  start_service: (value) => `as_root systemctl reset-failed -- ${value('service')} 2>/dev/null
as_root systemctl enable -- ${value('service')} 2>/dev/null
as_root systemctl restart -- ${value('service')}`,
  // Each with the rules it has; ufw without a rule for SSH would shut out whoever is to put it right.
  enable_firewall: (
    _,
    { port },
  ) => `if has firewall-cmd; then as_root systemctl enable --now firewalld.service; return; fi
if has ufw; then
  if ! as_root ufw show added | grep -qiE 'allow.*(ssh|${port})'; then
    echo 'ufw has no rule that lets SSH in; it would shut everybody out' >&2
    return 1
  fi
  as_root ufw --force enable
  return
fi
if has nft && [ -e /etc/nftables.conf ]; then
  as_root nft -c -f /etc/nftables.conf || return 1
  as_root systemctl enable nftables.service
  as_root systemctl restart nftables.service
  return
fi
echo 'no firewall is installed' >&2
return 1`,
  install_security_updates: () => `has apt-get || { echo 'it has no apt' >&2; return 1; }
DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
as_root apt-get -q -o DPkg::Lock::Timeout=120 update || return 1
names=$(apt-get -s -q -o Debug::NoLocking=true dist-upgrade | grep '^Inst ' | grep -i security | cut -d ' ' -f 2)
[ -n "$names" ] || { echo 'none waits'; return 0; }
as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \\
  -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --only-upgrade -- $names`,
  harden_ssh: () => `file=/etc/ssh/sshd_config.d/00-bulkhead.conf
printf '%s\\n' 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'PermitEmptyPasswords no' \\
  'PermitRootLogin prohibit-password' | as_root tee "$file" >/dev/null || return 1
if as_root sshd -t && [ "$(as_root sshd -T | grep -c -x 'passwordauthentication no')" = 1 ]; then
  as_root systemctl reload ssh.service 2>/dev/null || as_root systemctl reload sshd.service
  return
fi
as_root rm -f "$file"
echo 'sshd does not take it; nothing was changed' >&2
return 1`,
  lock_account: (value) => `as_root usermod --lock --expiredate 1 -- ${value('user')}`,
};

/**
 * The script of an action that checkAction has passed for Linux.
 *
 * @throws BulkheadError TARGET_ACTION_UNSAFE when it would shut us out, TARGET_ACTION_NOT_HERE when SSH has no way to do it
 */
export function linuxAction(action: ActionName, params: ActionParams, peer: SshPeer): string {
  const body = BODIES[action];
  if (!body) throw new BulkheadError('TARGET_ACTION_NOT_HERE', `${action} is not done over SSH`);
  const unsafe =
    action === 'harden_ssh' && peer.key === null
      ? 'the appliance logs in by password itself'
      : action === 'lock_account' && [peer.user, 'root'].includes(params['user'] ?? '')
        ? `'${params['user']}' is who keeps the machine in order`
        : null;
  if (unsafe !== null)
    throw new BulkheadError('TARGET_ACTION_UNSAFE', `${action} is not done on ${peer.address}: ${unsafe}`);
  return body((name) => shellQuote(params[name] ?? ''), peer);
}

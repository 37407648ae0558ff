import { type Check, type CheckContext, listed, settingOf, type Verdict } from '../check.ts';
import { LISTS_MAX_AGE_DAYS, SCREEN_LOCK_MAX_S } from '../limits.ts';
import { asList, type PowerShell, parseList, property } from './powershell.ts';

/** What protects a workstation, as the components of Windows say it themselves. */

const VOLUMES = asList('Get-BitLockerVolume', [
  'MountPoint',
  'VolumeType',
  'VolumeStatus',
  'ProtectionStatus',
]);
const DEFENDER = asList('Get-MpComputerStatus', [
  ...['AMServiceEnabled', 'AntivirusEnabled', 'RealTimeProtectionEnabled', 'AntivirusSignatureAge'],
]);
const PROFILES = asList('Get-NetFirewallProfile -PolicyStore ActiveStore', [
  'Name',
  'Enabled',
  'DefaultInboundAction',
]);
const SCREEN_LOCK = asList(
  "Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System'",
  ['InactivityTimeoutSecs'],
);
const UPDATES = asList(
  "(New-Object -ComObject Microsoft.Update.Session).CreateUpdateSearcher().Search('IsInstalled=0 and IsHidden=0').Updates",
  ['Title', 'MsrcSeverity'],
);

export function protectionChecks(ask: PowerShell): Check[] {
  return [
    { check_type: 'bitlocker', look: async () => judgeVolumes(await ask(VOLUMES)) },
    { check_type: 'defender', look: async (context) => judgeDefender(await ask(DEFENDER), maxAge(context)) },
    { check_type: 'firewall', look: async () => judgeProfiles(await ask(PROFILES)) },
    {
      check_type: 'screenlock',
      look: async (context) => judgeScreenLock(await ask(SCREEN_LOCK), maxIdle(context)),
    },
    { check_type: 'patches', look: async () => judgeUpdates(await ask(UPDATES)) },
  ];
}

/** Volumes of the system and of data; a stick is none. VolumeType and ProtectionStatus by the module BitLocker. */
export function judgeVolumes(text: string): Verdict {
  const volumes = parseList(text).filter((volume) => property(volume, 'VolumeType') !== 'Unknown');
  if (!volumes.some((volume) => property(volume, 'VolumeType') === 'OperatingSystem'))
    throw new Error('Windows names no volume that it was started from');
  const open = volumes.filter((volume) => property(volume, 'ProtectionStatus') !== 'On');
  const said = (of: typeof volumes) =>
    listed(
      of.map(
        (volume) =>
          `${property(volume, 'MountPoint')} ${property(volume, 'VolumeStatus')}, protection ${property(volume, 'ProtectionStatus')}`,
      ),
    );
  const [first] = open.map((volume) => property(volume, 'MountPoint'));
  return {
    passed: open.length === 0,
    expected: 'every volume of this machine is encrypted and protected',
    actual: said(open.length === 0 ? volumes : open),
    metadata: first === undefined ? {} : { volume: first },
  };
}

/** By MSFT_MpComputerStatus; the age is in days. */
export function judgeDefender(text: string, max_days: number): Verdict {
  const [status] = parseList(text);
  if (status === undefined) throw new Error('Defender says nothing');
  const off = ['AMServiceEnabled', 'AntivirusEnabled', 'RealTimeProtectionEnabled'].filter(
    (name) => property(status, name) !== 'True',
  );
  const age_days = Number(property(status, 'AntivirusSignatureAge'));
  const old = !(age_days <= max_days);
  const wrong = [
    ...off.map((name) => `${name} is off`),
    ...(old ? [`the signatures are ${age_days} days old`] : []),
  ];
  return {
    passed: wrong.length === 0,
    expected: `Defender watches all the time, with signatures of the last ${max_days} days`,
    actual: wrong.length === 0 ? `it does; the signatures are ${age_days} days old` : wrong.join(', '),
    metadata: { realtime: String(off.length === 0), signatures_days: String(age_days) },
  };
}

/** By MSFT_NetFirewallProfile: Domain, Private and Public. */
export function judgeProfiles(text: string): Verdict {
  const profiles = parseList(text);
  if (profiles.length === 0) throw new Error('Windows names no profile of its firewall');
  const off = profiles.filter((profile) => property(profile, 'Enabled') !== 'True');
  // NotConfigured means Block.
  const open = profiles.filter(
    (profile) => profile.get('DefaultInboundAction') === 'Allow' && !off.includes(profile),
  );
  const names = (of: typeof profiles) => of.map((profile) => property(profile, 'Name')).join(', ');
  const wrong = [
    ...(off.length > 0 ? [`switched off for ${names(off)}`] : []),
    ...(open.length > 0 ? [`lets everything in for ${names(open)}`] : []),
  ];
  return {
    passed: wrong.length === 0,
    expected: 'the firewall is on in every profile, and holds back what no rule lets in',
    actual: wrong.length === 0 ? `on for ${names(profiles)}` : wrong.join('; '),
  };
}

/** By the policy "Interactive logon: Machine inactivity limit", in seconds; 0 and nothing mean never. */
export function judgeScreenLock(text: string, max_s: number): Verdict {
  const [policy] = parseList(text);
  const seconds = Number(policy?.get('InactivityTimeoutSecs') || 0);
  return {
    passed: seconds > 0 && seconds <= max_s,
    expected: `the screen is locked after at most ${max_s} s without input`,
    actual: seconds > 0 ? `after ${seconds} s` : 'never by policy',
  };
}

/** By IUpdate: what Windows Update knows and has not installed. Driver and feature updates have no severity of the MSRC. */
export function judgeUpdates(text: string): Verdict {
  const updates = parseList(text);
  const security = updates.filter((update) => (update.get('MsrcSeverity') ?? '') !== '');
  const names = security.map((update) => `${property(update, 'Title')} (${update.get('MsrcSeverity')})`);
  const others = updates.length - security.length;
  return {
    passed: security.length === 0,
    expected: 'every security update is installed',
    actual:
      security.length === 0
        ? `all are installed; ${others} other updates wait`
        : `${security.length} are not: ${listed(names)}`,
    metadata: { security_updates: String(security.length), other_updates: String(others) },
  };
}

function maxAge(context: CheckContext): number {
  return settingOf(context, 'defender.signatures_max_age_days', LISTS_MAX_AGE_DAYS, { min: 1, max: 90 });
}

function maxIdle(context: CheckContext): number {
  return settingOf(context, 'screenlock.max_s', SCREEN_LOCK_MAX_S, { min: 10, max: 9_999 });
}

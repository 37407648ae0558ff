import { type Static, type TSchema, Type as t } from '@sinclair/typebox';
import type { WindowsCheck } from '../../../config/schema-targets.ts';
import { remoteAgentName } from '../../../sensors/client/checks/windows/remote-management.ts';
import { DEFENDER_SIGNATURES_MAX_AGE_DAYS, SCREENLOCK_MAX_S, WINDOWS_SEARCH_MAX_AGE_S } from '../limits.ts';
import { namesOf, type Outcome } from '../outcome.ts';
import { readJsonAnswer } from './powershell.ts';

interface WindowsCheckDefinition {
  /** Body of a script that gives one hashtable. Changes nothing. */
  script: string;
  /** @throws BulkheadError TARGET_ANSWER_INVALID, TARGET_CHECK_UNANSWERED */
  read(stdout: string): Outcome;
}

const words = (max_chars = 200) => t.String({ maxLength: max_chars });
const whole = t.Integer({ minimum: 0, maximum: 2 ** 31 });
const strict = <T extends Record<string, TSchema>>(properties: T) =>
  t.Object(properties, { additionalProperties: false });

function define<S extends TSchema>(
  check: WindowsCheck,
  script: string,
  schema: S,
  judge: (value: Static<S>) => Outcome,
): WindowsCheckDefinition {
  return { script, read: (stdout) => judge(readJsonAnswer(stdout, schema, check)) };
}

/** What is looked at on a Windows machine: the same questions, by the same cmdlets, as a sensor there asks. */
export const WINDOWS_CHECK_DEFINITIONS: Readonly<Record<WindowsCheck, WindowsCheckDefinition>> = {
  bitlocker: define(
    'bitlocker',
    "@{volumes=@(Get-BitLockerVolume|Where-Object{[string]$_.VolumeType -in 'OperatingSystem','Data'}|ForEach-Object{@{volume=[string]$_.MountPoint;status=[string]$_.VolumeStatus;protection=[string]$_.ProtectionStatus}})}",
    strict({
      volumes: t.Array(strict({ volume: words(), status: words(), protection: words() }), {
        minItems: 1,
        maxItems: 64,
      }),
    }),
    ({ volumes }) => {
      const bare = volumes.filter(
        ({ status, protection }) => status !== 'FullyEncrypted' || protection !== 'On',
      );
      const told = bare.length === 0 ? volumes : bare;
      return {
        passed: bare.length === 0,
        expected: 'every fixed volume is encrypted, with protection on',
        actual: namesOf(
          told.map(({ volume, status, protection }) => `${volume} ${status}, protection ${protection}`),
        ),
        severity: 'high',
        metadata: bare[0] ? { volume: bare[0].volume } : {},
      };
    },
  ),
  defender: define(
    'defender',
    '$d=Get-MpComputerStatus;@{antivirus=[bool]$d.AntivirusEnabled;realtime=[bool]$d.RealTimeProtectionEnabled;age_days=[int]$d.AntivirusSignatureAge}',
    strict({ antivirus: t.Boolean(), realtime: t.Boolean(), age_days: whole }),
    ({ antivirus, realtime, age_days }) => {
      // Only what is wrong is named: rules of healing tell by it what to do.
      const wrong = [
        ...(antivirus ? [] : ['off']),
        ...(realtime ? [] : ['not in real time']),
        ...(age_days <= DEFENDER_SIGNATURES_MAX_AGE_DAYS ? [] : [`signatures ${age_days} days old`]),
      ];
      return {
        passed: wrong.length === 0,
        expected: `on, in real time, with signatures of the last ${DEFENDER_SIGNATURES_MAX_AGE_DAYS} days`,
        actual: wrong.join(', ') || 'as expected',
        severity: antivirus && realtime ? 'medium' : 'high',
        metadata: { signatures_age_days: String(age_days) },
      };
    },
  ),
  firewall: define(
    'firewall',
    "@{profiles=@(Get-NetFirewallProfile -PolicyStore ActiveStore|ForEach-Object{@{name=[string]$_.Name;on=([string]$_.Enabled -eq 'True');inbound=[string]$_.DefaultInboundAction}})}",
    strict({
      profiles: t.Array(strict({ name: words(64), on: t.Boolean(), inbound: words(64) }), {
        minItems: 1,
        maxItems: 8,
      }),
    }),
    ({ profiles }) => {
      const open = profiles.filter(({ on, inbound }) => !on || inbound === 'Allow');
      const shown = open.map(({ name, on }) => `${name} ${on ? 'lets everything in' : 'off'}`);
      return {
        passed: open.length === 0,
        expected: 'on for every profile, and nothing let in that no rule allows',
        actual: open.length === 0 ? `on for ${namesOf(profiles.map(({ name }) => name))}` : namesOf(shown),
        severity: 'high',
        metadata: {},
      };
    },
  ),
  patches: define(
    'patches',
    '$s=(New-Object -ComObject Microsoft.Update.Session).CreateUpdateSearcher();$s.Online=$false;$u=@($s.Search("IsInstalled=0 and IsHidden=0 and Type=\'Software\'").Updates);$d=(New-Object -ComObject Microsoft.Update.AutoUpdate).Results.LastSearchSuccessDate;@{security=@($u|Where-Object{$_.MsrcSeverity}|Select-Object -First 50|ForEach-Object{[string]$_.Title});all=$u.Count;age_s=$(if($d){[int]([datetime]::UtcNow-$d).TotalSeconds}else{$null})}',
    strict({
      security: t.Array(words(500), { maxItems: 50 }),
      all: whole,
      age_s: t.Union([t.Integer({ minimum: -86_400, maximum: 2 ** 31 }), t.Null()]),
    }),
    ({ security, all, age_s }) => {
      const stale = age_s === null || age_s > WINDOWS_SEARCH_MAX_AGE_S;
      const waiting =
        security.length === 0
          ? 'no security update waits'
          : `${security.length} wait: ${namesOf(security, 3)}`;
      const since =
        age_s === null ? 'it has never searched' : `it last searched ${Math.floor(age_s / 86_400)} days ago`;
      return {
        passed: security.length === 0 && !stale,
        expected: `no security update waits, by a search of the last ${WINDOWS_SEARCH_MAX_AGE_S / 86_400} days`,
        actual: stale ? `${waiting}; ${since}` : waiting,
        severity: security.length > 0 ? 'high' : 'medium',
        metadata: { security: String(security.length), all: String(all) },
      };
    },
  ),
  screenlock: define(
    'screenlock',
    "$v=(Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System').InactivityTimeoutSecs;@{after_s=$(if($null -eq $v){$null}else{[int]$v})}",
    strict({ after_s: t.Union([whole, t.Null()]) }),
    ({ after_s }) => ({
      passed: after_s !== null && after_s > 0 && after_s <= SCREENLOCK_MAX_S,
      expected: `locks after at most ${SCREENLOCK_MAX_S} s without input`,
      actual: after_s === null || after_s === 0 ? 'never locks' : `locks after ${after_s} s`,
      severity: 'medium',
      metadata: {},
    }),
  ),
  rmm: define(
    'rmm',
    "@{services=@(Get-CimInstance Win32_Service|ForEach-Object{@{name=[string]$_.Name;running=([string]$_.State -eq 'Running')}})}",
    strict({ services: t.Array(strict({ name: words(256), running: t.Boolean() }), { maxItems: 2000 }) }),
    ({ services }) => {
      const agents = services.flatMap(({ name, running }) => {
        const known = remoteAgentName(name);
        return known === undefined ? [] : [`${known}${running ? '' : ' (stopped)'}`];
      });
      return {
        // Which ones are allowed nobody has said: they are told, not judged.
        passed: true,
        expected: 'remote management is known',
        actual: namesOf([...new Set(agents)]) || 'none is installed',
        severity: 'info',
        metadata: {},
      };
    },
  ),
};

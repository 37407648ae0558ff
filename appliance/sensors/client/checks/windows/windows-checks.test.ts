import { describe, expect, test } from 'vitest';
import type { Run, RunOptions } from '../../../../../base/run.ts';
import { windowsActions } from '../../actions/windows-actions.ts';
import { type CheckContext, takeReading } from '../check.ts';
import { encodeCommand, parseList, windowsPowerShell } from './powershell.ts';
import { judgeDefender, judgeProfiles, judgeScreenLock, judgeUpdates, judgeVolumes } from './protection.ts';
import { findAgents, judgeAgents, knownAgents } from './remote-management.ts';
import { windowsChecks } from './windows-checks.ts';

// The texts have the form of Format-List and the properties that Microsoft documents for the modules BitLocker, Defender and
// NetSecurity, for Win32_Service and for IUpdate.

const DEFENDER = `

AMServiceEnabled          : True
AntivirusEnabled          : True
RealTimeProtectionEnabled : True
AntivirusSignatureAge     : 0



`;
const VOLUMES = `

MountPoint       : C:
VolumeType       : OperatingSystem
VolumeStatus     : FullyEncrypted
ProtectionStatus : On

MountPoint       : D:
VolumeType       : Data
VolumeStatus     : FullyDecrypted
ProtectionStatus : Off

`;
const PROFILES = `
Name                 : Domain
Enabled              : True
DefaultInboundAction : NotConfigured

Name                 : Private
Enabled              : True
DefaultInboundAction : Block

Name                 : Public
Enabled              : True
DefaultInboundAction : NotConfigured
`;
const SERVICES = `
Name     : LTService
State    : Running
PathName : "C:\\Windows\\LTSvc\\LTSVC.exe" -sLTService

Name     : ScreenConnect Client (0123456789abcdef)
State    : Stopped
PathName : C:\\Program Files (x86)\\It's\\ScreenConnect.ClientService.exe "?e=Access"

Name     : Spooler
State    : Running
PathName : C:\\Windows\\System32\\spoolsv.exe
`;

const crlf = (text: string) => text.replaceAll('\n', '\r\n');

describe('what Format-List prints', () => {
  test('is objects with their properties, with line ends of either kind', () => {
    for (const text of [VOLUMES, crlf(VOLUMES)])
      expect(parseList(text).map((object) => object.get('MountPoint'))).toEqual(['C:', 'D:']);
  });

  test('goes on below itself where it is long, and has no value where there is none', () => {
    const text =
      'Title        : 2026-11 Cumulative Update for\n               Windows 11 (KB5060000)\nMsrcSeverity : \n';
    expect(parseList(text)).toEqual([
      new Map([
        ['Title', '2026-11 Cumulative Update for Windows 11 (KB5060000)'],
        ['MsrcSeverity', ''],
      ]),
    ]);
    expect(parseList('')).toEqual([]);
  });
});

test('bitlocker: a volume without protection is named, a stick is passed over', () => {
  expect(judgeVolumes(VOLUMES)).toMatchObject({
    passed: false,
    actual: 'D: FullyDecrypted, protection Off',
    metadata: { volume: 'D:' },
  });
  const stick = VOLUMES.replace(': Data', ': Unknown');
  expect(judgeVolumes(stick)).toMatchObject({ passed: true, actual: 'C: FullyEncrypted, protection On' });
  // Suspended for an update of the firmware: the volume is encrypted, and its key lies open.
  expect(judgeVolumes(stick.replace(': On', ': Off')).passed).toBe(false);
  expect(() => judgeVolumes('')).toThrow('no volume');
});

test('defender: off, half off or with old signatures is not in order', () => {
  expect(judgeDefender(DEFENDER, 7).passed).toBe(true);
  expect(
    judgeDefender(
      DEFENDER.replace('RealTimeProtectionEnabled : True', 'RealTimeProtectionEnabled : False'),
      7,
    ),
  ).toMatchObject({
    passed: false,
    actual: 'RealTimeProtectionEnabled is off',
  });
  expect(judgeDefender(DEFENDER.replace(': 0', ': 30'), 7).actual).toBe('the signatures are 30 days old');
  // What it says when it never had any.
  expect(judgeDefender(DEFENDER.replace(': 0', ': 65535'), 7).passed).toBe(false);
  expect(() => judgeDefender(DEFENDER.replace('AntivirusEnabled', 'Antivirus'), 7)).toThrow(
    'nothing of AntivirusEnabled',
  );
});

test('firewall: one profile that is off, or lets everything in, is enough', () => {
  expect(judgeProfiles(PROFILES)).toMatchObject({ passed: true, actual: 'on for Domain, Private, Public' });
  expect(judgeProfiles(PROFILES.replace('Block', 'Allow')).actual).toBe('lets everything in for Private');
  expect(
    judgeProfiles(PROFILES.replace(/True(?=\s+DefaultInboundAction : NotConfigured\s+$)/, 'False')).actual,
  ).toBe('switched off for Public');
  expect(() => judgeProfiles('')).toThrow('no profile');
});

test('screen lock: never, and later than allowed, are not in order', () => {
  const policy = (seconds: string) => judgeScreenLock(`\nInactivityTimeoutSecs : ${seconds}\n`, 900);
  expect([
    policy('600').passed,
    policy('900').passed,
    policy('901').passed,
    policy('0').passed,
    policy('').passed,
  ]).toEqual([...[true, true, false, false, false]]);
});

test('patches: updates with a severity count', () => {
  const updates = 'Title        : A\nMsrcSeverity : Critical\n\nTitle        : B driver\nMsrcSeverity : \n';
  expect(judgeUpdates(updates)).toMatchObject({
    passed: false,
    actual: '1 are not: A (Critical)',
    metadata: { other_updates: '1' },
  });
  expect(judgeUpdates('\r\n').passed).toBe(true);
});

describe('remote management', () => {
  test('is known by its service, with the program of its command line', () => {
    expect(knownAgents(crlf(SERVICES))).toEqual([
      {
        name: 'ConnectWise Automate',
        service_name: 'LTService',
        running: true,
        program: 'C:\\Windows\\LTSvc\\LTSVC.exe',
      },
      {
        name: 'ConnectWise ScreenConnect',
        service_name: 'ScreenConnect Client (0123456789abcdef)',
        running: false,
        program: "C:\\Program Files (x86)\\It's\\ScreenConnect.ClientService.exe",
      },
    ]);
  });

  test('is asked for its version, and is there without one', async () => {
    const asked: string[] = [];
    const agents = await findAgents(async (line) => {
      asked.push(line);
      if (line.includes('Win32_Service')) return SERVICES;
      if (line.includes('LTSVC')) return '23.0.1\r\n';
      throw new Error('access is denied');
    });
    expect(agents.map(({ version }) => version)).toEqual(['23.0.1', '']);
    expect(asked[2]).toContain(
      "-LiteralPath 'C:\\Program Files (x86)\\It''s\\ScreenConnect.ClientService.exe'",
    );
    expect(judgeAgents(agents, { settings: {} })).toMatchObject({
      passed: true,
      actual: 'ConnectWise Automate 23.0.1, ConnectWise ScreenConnect (version not known), stopped',
    });
    expect(
      judgeAgents(agents, {
        settings: { 'rmm.allowed': 'Atera', 'rmm.required': 'ConnectWise ScreenConnect' },
      }).actual,
    ).toBe('not allowed: ConnectWise Automate; does not run: ConnectWise ScreenConnect');
  });
});

test('every check asks Windows with one line, and what Windows refuses is told', async () => {
  const context: CheckContext = {
    run: () => Promise.reject(new Error('not on Windows')),
    ...{ root: '/', now_ms: () => 0, settings: {} },
  };
  const answers: Readonly<Record<string, string>> = {
    ...{
      'Get-BitLockerVolume': VOLUMES,
      'Get-MpComputerStatus': DEFENDER,
      'Get-NetFirewallProfile': PROFILES,
    },
    ...{ InactivityTimeoutSecs: 'InactivityTimeoutSecs : 300', 'Microsoft.Update': '', Win32_Service: '' },
  };
  const checks = windowsChecks(async (line) => {
    expect(line).not.toContain('\n');
    const answer = Object.entries(answers).find(([word]) => line.includes(word));
    if (answer === undefined) throw new Error(`nobody answers: ${line}`);
    return answer[1];
  });
  const readings = await Promise.all(checks.map((check) => takeReading(check, context)));
  expect(readings.map(({ check_type, passed }) => [check_type, passed])).toEqual([
    ['bitlocker', false],
    ...['defender', 'firewall', 'screenlock', 'patches', 'rmm'].map((name) => [name, true]),
  ]);
  const denied = windowsChecks(() => Promise.reject(new Error('Access denied')));
  for (const check of denied)
    expect(await takeReading(check, context)).toMatchObject({
      passed: false,
      actual: 'not known: Access denied',
    });
});

test('PowerShell is started by its full path, without a profile, and with nothing to quote', async () => {
  const started: [string, readonly string[], RunOptions | undefined][] = [];
  const seen: Run = async (program, args, options) => {
    started.push([program, args, options]);
    return { code: 0, stdout: 'ok', stderr: '' };
  };
  const ask = windowsPowerShell(seen, { SystemRoot: 'D:\\Win', PATH: 'C:\\evil', TEMP: 'D:\\t' });
  expect(await windowsActions(ask).act.start_service?.({ service: 'wuauserv' }, AbortSignal.abort())).toBe(
    'ok',
  );
  const [program, args, options] = started[0] ?? [];
  expect(program).toBe('D:\\Win\\System32\\WindowsPowerShell\\v1.0\\powershell.exe');
  expect(args?.slice(0, -1)).toEqual(['-NoLogo', '-NoProfile', '-NonInteractive', '-EncodedCommand']);
  expect(options?.env).toMatchObject({
    SystemRoot: 'D:\\Win',
    PATH: 'D:\\Win\\System32;D:\\Win',
    TEMP: 'D:\\t',
  });
  expect(Buffer.from(args?.at(-1) ?? '', 'base64').toString('utf16le')).toMatch(
    /^\$ErrorActionPreference='Stop';.*Set-Service -Name 'wuauserv' -StartupType Automatic; Start-Service -Name 'wuauserv'$/,
  );
  expect(encodeCommand('é')).toMatch(/^[A-Za-z0-9+/]+=*$/);
});

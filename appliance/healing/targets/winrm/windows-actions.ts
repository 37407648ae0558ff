import { BulkheadError } from '../../../../base/errors.ts';
import type { ActionName, ActionParams } from '../../actions.ts';
import { SCREENLOCK_MAX_S } from '../limits.ts';
import { powershellQuote } from './powershell.ts';

/** Over WinRM Windows Update lets nobody install (a restriction of network log-ons), so a task of the system does it. */
const INSTALL =
  '$s=New-Object -ComObject Microsoft.Update.Session;$f=$s.CreateUpdateSearcher().Search("IsInstalled=0 and IsHidden=0 and Type=\'Software\'");$c=New-Object -ComObject Microsoft.Update.UpdateColl;foreach($u in $f.Updates){if($u.MsrcSeverity){[void]$u.AcceptEula();[void]$c.Add($u)}};if($c.Count){$d=$s.CreateUpdateDownloader();$d.Updates=$c;[void]$d.Download();$i=$s.CreateUpdateInstaller();$i.Updates=$c;if($i.Install().ResultCode -ne 2){exit 1}}';

/** What the actions of the closed list are on a Windows machine; values come in quoted, and were held to their form before. */
const BODIES: Readonly<
  Partial<Record<ActionName, (value: (name: string, other: string) => string, port: number) => string>>
> = {
  start_service: (value) => {
    const name = value('service', '');
    return `Set-Service -Name ${name} -StartupType Automatic;Start-Service -Name ${name}`;
  },
  // A firewall without a rule for WinRM would shut out whoever is to put it right.
  enable_firewall: (_, port) =>
    `$r=Get-NetFirewallPortFilter -Protocol TCP|Where-Object{$_.LocalPort -contains '${port}'}|Get-NetFirewallRule|Where-Object{[string]$_.Enabled -eq 'True' -and [string]$_.Direction -eq 'Inbound' -and [string]$_.Action -eq 'Allow'};if(-not $r){throw 'no rule lets WinRM in; the firewall would shut everybody out'};Set-NetFirewallProfile -All -Enabled True`,
  enable_defender: () => 'Set-MpPreference -DisableRealtimeMonitoring $false',
  update_defender_signatures: () => 'Update-MpSignature',
  enable_screenlock: (value) =>
    `Set-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System' -Name InactivityTimeoutSecs -Type DWord -Value ([int]${value('after_s', String(SCREENLOCK_MAX_S))})`,
  install_security_updates: () => {
    const encoded = Buffer.from(INSTALL, 'utf16le').toString('base64');
    return `$n='BulkheadSecurityUpdates';$a=New-ScheduledTaskAction -Execute powershell.exe -Argument '-NoProfile -NonInteractive -EncodedCommand ${encoded}';[void](Register-ScheduledTask -TaskName $n -Action $a -User SYSTEM -RunLevel Highest -Force);try{Start-ScheduledTask $n;do{Start-Sleep 5}while([string](Get-ScheduledTask $n).State -in 'Running','Queued');$c=(Get-ScheduledTaskInfo $n).LastTaskResult}finally{Unregister-ScheduledTask $n -Confirm:$false};if($c -ne 0){throw "the installation ended with $c"}`;
  },
  // The recovery key goes into the directory first; it is never printed. Without a directory nothing is encrypted.
  enable_bitlocker: (value) => {
    const volume = value('volume', 'C:');
    return `$p=(Add-BitLockerKeyProtector -MountPoint ${volume} -RecoveryPasswordProtector -WarningAction SilentlyContinue).KeyProtector|Where-Object{[string]$_.KeyProtectorType -eq 'RecoveryPassword'}|Select-Object -Last 1;[void](Backup-BitLockerKeyProtector -MountPoint ${volume} -KeyProtectorId $p.KeyProtectorId);[void](Enable-BitLocker -MountPoint ${volume} -TpmProtector -UsedSpaceOnly -SkipHardwareTest)`;
  },
};

/**
 * The script of an action that checkAction has passed for Windows.
 *
 * @param port where WinRM answers
 * @throws BulkheadError TARGET_ACTION_NOT_HERE when WinRM has no way to do it
 */
export function windowsAction(action: ActionName, params: ActionParams, port: number): string {
  const body = BODIES[action];
  if (!body) throw new BulkheadError('TARGET_ACTION_NOT_HERE', `${action} is not done over WinRM`);
  return body((name, other) => powershellQuote(params[name] ?? other), port);
}

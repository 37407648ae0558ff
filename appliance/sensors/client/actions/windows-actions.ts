import type { PowerShell } from '../checks/windows/powershell.ts';
import { quoted } from '../checks/windows/powershell.ts';
import type { SensorActions } from '../sdk/heal-command.ts';

/** What the sensor can do on Windows. What the parameters may be has been checked by their forms. */
export function windowsActions(ask: PowerShell): SensorActions {
  return {
    platform: 'windows',
    act: {
      start_service: ({ service = '' }) =>
        ask(
          `Set-Service -Name ${quoted(service)} -StartupType Automatic; Start-Service -Name ${quoted(service)}`,
        ),
      enable_firewall: () => ask('Set-NetFirewallProfile -All -Enabled True'),
      enable_defender: () => ask('Set-MpPreference -DisableRealtimeMonitoring $false'),
      update_defender_signatures: () => ask('Update-MpSignature'),
      enable_screenlock: ({ after_s = '900' }) =>
        ask(
          `New-ItemProperty -Path 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System' -Name InactivityTimeoutSecs -PropertyType DWord -Value ${Number(after_s)} -Force | Out-Null`,
        ),
    },
  };
}

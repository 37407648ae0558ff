/**
 * How a control is measured: the name of a measure and what it is asked. `appliance/compliance/measures` carries them out; a name
 * without a function there does not compile.
 */
export type Measure =
  /** Every kernel setting has one of the values. */
  | { name: 'sysctl'; wants: Readonly<Record<string, readonly string[]>> }
  /** The effective configuration of sshd has one of the values for every key; nothing to ask while SSH is off. */
  | { name: 'ssh-setting'; wants: Readonly<Record<string, readonly string[]>> }
  /** A dead session over SSH is ended within so many seconds. */
  | { name: 'ssh-idle'; max_s: number }
  /** An attempt to log in over SSH has so many tries and so many seconds. */
  | { name: 'ssh-attempts'; tries_max: number; grace_max_s: number }
  /** A mount has all the options, by what the first process sees. */
  | { name: 'mount'; path: string; options: readonly string[] }
  /** A file belongs to the user and grants nothing beyond the mode. */
  | { name: 'file'; path: string; mode_max: number; owners: readonly string[]; optional?: true }
  /** Units that have to run; `critical` stands for those of the image's own list. */
  | { name: 'units-running'; units: readonly string[] | 'critical' }
  | { name: 'units-not-running'; units: readonly string[] }
  /** Services that talk to the network run as a user of their own, without capabilities but those named, in a sandbox. */
  | { name: 'sandbox'; units: Readonly<Record<string, readonly string[]>> }
  | { name: 'firewall' }
  | { name: 'firewall-ports' }
  | { name: 'firewall-fresh' }
  | { name: 'listeners' }
  | { name: 'accounts-privileged' }
  | { name: 'accounts-passwords' }
  | { name: 'evidence-whole' }
  | { name: 'evidence-countersigned' }
  | { name: 'audit-daemon' }
  | { name: 'clock-synchronised' }
  | { name: 'clock-offset' }
  | { name: 'crash-record' }
  | { name: 'root-verity' }
  | { name: 'boot-judged' }
  | { name: 'fallback-slot' }
  | { name: 'image-age' }
  | { name: 'configuration' }
  | { name: 'secure-boot' }
  | { name: 'no-execute' }
  | { name: 'processor-mitigations' }
  | { name: 'wireless-off' }
  | { name: 'data-encrypted' }
  | { name: 'mandatory-access' }
  | { name: 'watchdog' }
  | { name: 'data-space' }
  /** What sensors report under a name of theirs. */
  | { name: 'sensor'; check_type: string };

export type MeasureName = Measure['name'];

/** What each measure looks at, for the reference. */
export const MEASURE_WORDS: Readonly<Record<MeasureName, string>> = {
  sysctl: 'kernel settings below /proc/sys; those that only root may read, as root last read them',
  'ssh-setting': 'the effective configuration, by `sshd -T`; does not apply while SSH is off',
  'ssh-idle': 'ClientAliveInterval times ClientAliveCountMax of the effective configuration',
  'ssh-attempts': 'MaxAuthTries and LoginGraceTime of the effective configuration',
  mount: 'the options of the mount, as the first process sees it',
  file: 'owner and mode of the file',
  'units-running': 'the states of the units, by `systemctl show`',
  'units-not-running': 'the states of the units, by `systemctl show`',
  sandbox: 'the properties of the units, by `systemctl show`',
  firewall: 'the rules in the kernel, as root last read them, against those that the configuration asks for',
  'firewall-ports': 'the ports that the rules in the kernel accept from anywhere',
  'firewall-fresh': 'how long ago root read the rules out of the kernel',
  listeners: 'sockets of /proc/net that listen beyond the loopback',
  'accounts-privileged': '/etc/passwd: user ids and shells',
  'accounts-passwords': '/etc/shadow, as root last read it',
  'evidence-whole': 'what the evidence log says of its own chain',
  'evidence-countersigned': 'the time of the last checkpoint that the coordinator has countersigned',
  'audit-daemon': 'the state of auditd.service',
  'clock-synchronised': 'the mark that systemd-timesyncd sets at each answer of a time server',
  'clock-offset': 'the last exchange with the time server',
  'crash-record': 'whether the kernel has a place that survives a reset, /sys/module/pstore',
  'root-verity': 'the mount of /, and the check verity-active of the health gate',
  'boot-judged': 'the last verdict of the health gate on this boot',
  'fallback-slot': 'the states of the two slots',
  'image-age': 'the build date of the running image',
  configuration: 'the report of the set-up of this boot',
  'secure-boot': 'the firmware variable SecureBoot',
  'no-execute': 'the flags of the processors in /proc/cpuinfo',
  'processor-mitigations': '/sys/devices/system/cpu/vulnerabilities',
  'wireless-off': 'wireless interfaces of /sys/class/net that are up',
  'data-encrypted': 'the device below the data partition',
  'mandatory-access': '/sys/kernel/security/lsm',
  watchdog: 'the hardware watchdog, as the health gate last saw it',
  'data-space': 'the used part of the data partition',
  sensor: 'the last report of the sensor',
};

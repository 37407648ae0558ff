import {
  AGE_KEY_FILE,
  AGENT_STORE_FOLDER,
  DEVICE_CONFIG_FILE,
  DEVICE_KEY_FILE,
  EVIDENCE_KEY_FILE,
  IMAGE_CONFIG_FILE,
  IMAGE_INFO_FILE,
  INITRD_REPORT_FILE,
  MACHINE_ID_FILE,
  SETUP_FACTS_FILE,
  SITE_CONFIG_FILE,
  SITE_STORE_FOLDER,
  SSH_HOST_KEY_FOLDER,
} from '../../base/paths.ts';
import { DATA_MOUNT } from '../../partitions/layout-names.ts';

/** Where the set-up reads and writes. Below another root in tests, or to see what an image would do. */
export interface SetupPaths {
  root: string;
  imageInfo: string;
  imageConfig: string;
  deviceConfig: string;
  initrdReport: string;
  facts: string;
  passwd: string;
  zoneinfo: string;
  /** Target of /etc/localtime. */
  localtime: string;
  kernelHostname: string;
  kernelCommandLine: string;
  runningMachineId: string;
  networkFolder: string;
  wifiConfig: string;
  timesyncConfig: string;
  timesyncMark: string;
  authorizedKeys: string;
  data: string;
  dataSchema: string;
  savedClock: string;
  confirmedClock: string;
  deviceKey: string;
  ageKey: string;
  evidenceKey: string;
  machineId: string;
  sshHostKeys: string;
  /** The file behind the agent's place, and where that is mounted. */
  agentImage: string;
  agentStore: string;
  /** The same of the site's. */
  siteImage: string;
  siteStore: string;
  siteConfig: string;
}

/** @param root '' for the running system, else a folder that stands for `/` */
export function setupPaths(root = ''): SetupPaths {
  const at = (path: string) => `${root}${path}`;
  return {
    root,
    imageInfo: at(IMAGE_INFO_FILE),
    imageConfig: at(IMAGE_CONFIG_FILE),
    deviceConfig: at(DEVICE_CONFIG_FILE),
    initrdReport: at(INITRD_REPORT_FILE),
    facts: at(SETUP_FACTS_FILE),
    passwd: at('/etc/passwd'),
    zoneinfo: at('/usr/share/zoneinfo'),
    localtime: at('/run/bulkhead/localtime'),
    kernelHostname: at('/proc/sys/kernel/hostname'),
    kernelCommandLine: at('/proc/cmdline'),
    runningMachineId: at('/etc/machine-id'),
    networkFolder: at('/run/systemd/network'),
    wifiConfig: at('/run/wpa_supplicant/bulkhead.conf'),
    timesyncConfig: at('/run/systemd/timesyncd.conf.d/10-bulkhead.conf'),
    // systemd-timesyncd.service(8): touched when the clock was synchronised in this boot.
    timesyncMark: at('/run/systemd/timesync/synchronized'),
    authorizedKeys: at('/run/bulkhead/ssh/authorized_keys'),
    data: at(DATA_MOUNT),
    dataSchema: at(`${DATA_MOUNT}/schema`),
    savedClock: at(`${DATA_MOUNT}/time/clock`),
    confirmedClock: at(`${DATA_MOUNT}/time/clock-confirmed`),
    deviceKey: at(DEVICE_KEY_FILE),
    ageKey: at(AGE_KEY_FILE),
    evidenceKey: at(EVIDENCE_KEY_FILE),
    machineId: at(MACHINE_ID_FILE),
    sshHostKeys: at(SSH_HOST_KEY_FOLDER),
    agentImage: at(`${DATA_MOUNT}/agent.img`),
    agentStore: at(AGENT_STORE_FOLDER),
    siteImage: at(`${DATA_MOUNT}/site.img`),
    siteStore: at(SITE_STORE_FOLDER),
    siteConfig: at(SITE_CONFIG_FILE),
  };
}

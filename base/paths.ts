/** Where things live on the appliance. Every path has its one home here or in partitions/layout-names.ts. */

/** Facts about the image: version, revision, build date. Written by iso/, read-only. */
export const IMAGE_INFO_FILE = '/usr/lib/bulkhead/image.json';
/** The signed set of keys whose releases are installed; comes with the image. */
export const IMAGE_KEYSET_FILE = '/usr/lib/bulkhead/keyset.json';
/** Units whose failure fails the health gate, one a line. */
export const CRITICAL_UNITS_FILE = '/usr/lib/bulkhead/critical-units';
/** Configuration that the image brings. */
export const IMAGE_CONFIG_FILE = '/usr/lib/bulkhead/config.yaml';
/** Configuration of this one device. */
export const DEVICE_CONFIG_FILE = '/var/lib/msp/config.yaml';

/** What the initrd found out, as KEY=value lines: disk, esp, data, root (states and devices). */
export const INITRD_REPORT_FILE = '/run/bulkhead/initrd.env';
/** What only root can observe (slot footers, boot state, firewall), refreshed by the health gate for the agent. */
export const MACHINE_FACTS_FILE = '/run/bulkhead/machine.json';
/** What the set-up of this boot did and what it found wrong; no secrets, for everyone. */
export const SETUP_FACTS_FILE = '/run/bulkhead/setup.json';
/** The last verdict of this boot. */
export const HEALTH_FILE = '/run/bulkhead/health.json';
/** What the console shows; a path unit copies it to tty1 and the serial line. */
export const CONSOLE_FILE = '/run/bulkhead-agent/console.txt';
/** The agent's own folder: a file system of fixed size, see appliance/setup/service-store. Empty where it could not be mounted. */
export const AGENT_STORE_FOLDER = '/var/lib/bulkhead-agent';
/** The same for the service that looks after the site: events, findings, evidence. */
export const SITE_STORE_FOLDER = '/var/lib/bulkhead-site';
/** Programs that sensors are offered, with their signatures; root puts them there, the service of the site hands them out. */
export const SENSOR_PROGRAMS_FOLDER = '/var/lib/msp/sensor-programs';
/** What the service is told of the configuration, for its user alone; written by each set-up. */
export const SITE_CONFIG_FILE = '/run/bulkhead/site.json';
/** What the site's service is asked by, on this machine: HTTP over a Unix socket. */
export const SITE_CONTROL_SOCKET = '/run/bulkhead-site/control.sock';
/** The last firewall application: when, rule count, digest. */
export const FIREWALL_FACTS_FILE = '/run/bulkhead/firewall.json';
/** What only root can see of the things that controls are about, for the service of the site. */
export const COMPLIANCE_FACTS_FILE = '/run/bulkhead/compliance.json';

/** Verdicts of all boots, one JSON object per line; survives updates and rollbacks. */
export const VERDICT_JOURNAL_FILE = '/var/lib/msp/health/verdicts.jsonl';
/** Mirrors of the boot state for people and tools; nothing boots by them. */
export const UPDATE_STATE_FILE = '/var/lib/msp/update/update_state.json';
export const BOOT_COUNT_FILE = '/var/lib/msp/update/boot_count';
/** An update between its last byte and its verdict. */
export const PENDING_UPDATE_FILE = '/var/lib/msp/update/pending.json';
/** How far a transfer into a slot has come. */
export const TRANSFER_JOURNAL_FILE = '/var/lib/msp/update/transfer.jsonl';
/** Updates that ended, oldest first. */
export const UPDATE_HISTORY_FILE = '/var/lib/msp/update/history.jsonl';
/** Releases that were given up and are not tried again by themselves. */
export const REJECTED_RELEASES_FILE = '/var/lib/msp/update/rejected.json';
/** What the running update does now, for everyone; root only writes it. */
export const UPDATE_PROGRESS_FILE = '/run/bulkhead/update.json';
/** Locked by whoever changes slots or boot state; never removed. */
export const UPDATE_LOCK_FILE = '/run/bulkhead/update.lock';
/** The agent asks for an update by writing this; a path unit starts the helper that has the right to do it. */
export const AGENT_REQUEST_FILE = '/run/bulkhead-agent/update-request.json';
/** The same for an operator: root never writes into a folder of the agent's, which could make its file a link. */
export const OPERATOR_REQUEST_FILE = '/run/bulkhead/update-request.json';
/** The agent asks for a return to the slot before, or for a reboot. */
export const POWER_REQUEST_FILE = '/run/bulkhead-agent/power-request.json';
/** What root said to the last one. */
export const POWER_ANSWER_FILE = '/run/bulkhead/power-answer.json';
/** The service of the site asks root to heal the appliance. */
export const HEAL_REQUEST_FILE = '/run/bulkhead-site/heal-request.json';
/** What root said to that. */
export const HEAL_ANSWER_FILE = '/run/bulkhead/heal-answer.json';
/** The request that the updater service works on, kept until it has ended one way or the other. */
export const TAKEN_REQUEST_FILE = '/var/lib/msp/update/request.json';
/** The newest key set that came with a release; counts where its version is higher than the image's. */
export const DEVICE_KEYSET_FILE = '/var/lib/msp/update/keyset.json';
/** Made by systemd-timesyncd once a time server has answered. */
export const CLOCK_SYNCHRONISED_FILE = '/run/systemd/timesync/synchronized';
/** Device key pair, readable by the agent's user only. */
export const DEVICE_KEY_FILE = '/var/lib/msp/identity/device.key';
/** The key that evidence is signed with, readable by the site's user only; what the device key says of it lies beside it. */
export const EVIDENCE_KEY_FILE = '/var/lib/msp/evidence/evidence.key';
export const MACHINE_ID_FILE = '/var/lib/msp/identity/machine-id';
/** What others encrypt secrets of this machine for; root reads it. */
export const AGE_KEY_FILE = '/var/lib/msp/identity/age.key';
/** Which secrets there are: the device's own list, or that of the image. */
export const DEVICE_SECRETS_FILE = '/var/lib/msp/secrets.json';
export const IMAGE_SECRETS_FILE = '/usr/lib/bulkhead/secrets.json';
/** Decrypted secrets, in memory, each its owner's; and what became of them, for everyone. */
export const SECRETS_FOLDER = '/run/bulkhead/secrets';
export const SECRETS_FACTS_FILE = '/run/bulkhead/secrets.json';
export const SSH_HOST_KEY_FOLDER = '/var/lib/msp/identity/ssh';
/** Kernel logs of boots that ended, one text file each. */
export const BOOT_LOG_FOLDER = '/var/lib/msp/boot-log';
/** The same as the kernel left them: the initrd puts them here, `bulkhead boot-log collect` takes them away. */
export const BOOT_RECORD_FOLDER = '/var/lib/msp/boot-log/incoming';
/** Where the kernel shows what it left in memory before a reset. */
export const PSTORE_FOLDER = '/sys/fs/pstore';
/** `ramoops` when the kernel's log outlives a warm reset of this boot. */
export const PSTORE_BACKEND_FILE = '/sys/module/pstore/parameters/backend';

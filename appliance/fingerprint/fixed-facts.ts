import { existsSync } from 'node:fs';
import { VERSION } from '../../base/version.ts';
import { FACT_TEXT_MAX } from '../../protocol/limits.ts';
import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import type { FactPaths } from '../facts/fact-context.ts';
import { listNames, readLine, readText } from '../facts/fact-files.ts';
import { readDmi } from '../facts/hardware.ts';
import { readImageInfo } from '../facts/image-info.ts';
import { parseMemory } from '../facts/system.ts';

/** What cannot change while this boot and this process last. */
export type FixedFacts = Omit<Fingerprint, ChangingField | RootField | 'agent_build_hash'>;

/** What an operator, a cable or a helper changes. */
export type ChangingField =
  | 'hostname'
  | 'network_interfaces'
  | 'primary_mac'
  | 'primary_address'
  | 'gateway'
  | 'active_slot'
  | 'firewall_hash'
  | 'configuration_hash';

/** What only root may read; the set-up of the boot publishes it. */
type RootField = 'board_serial' | 'product_uuid' | 'chassis_serial';

/** EFI global variables (UEFI 2.10, section 3.3); four bytes of attributes stand in front of the value. */
const SECURE_BOOT = 'firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c';

/** Read once a process: some ten small files. */
export function readFixedFacts({ proc, sys, etc, imageInfoFile }: FactPaths): FixedFacts {
  const cpu = readText(`${proc}/cpuinfo`) ?? '';
  const commandLine = readLine(`${proc}/cmdline`) ?? '';
  return {
    os: factText(osName(readText(`${etc}/os-release`) ?? '')),
    kernel: factText(readLine(`${proc}/sys/kernel/osrelease`)),
    memory_bytes: parseMemory(readText(`${proc}/meminfo`) ?? '')?.total_bytes ?? null,
    cpu_brand: factText(cpuField(cpu, 'model name')),
    cpu_cores: [...cpu.matchAll(/^processor\s*:/gm)].length || null,
    cpu_microcode: factText(cpuField(cpu, 'microcode')),
    bios_version: factText(readDmi(sys, 'bios_version')),
    root_uuid:
      matched(commandLine, /(?:^|\s)bulkhead\.root=PARTUUID=([0-9A-Fa-f-]{36})(?:\s|$)/)?.toLowerCase() ??
      null,
    root_hash: matched(commandLine, /(?:^|\s)bulkhead\.verity=([0-9a-f]{64}):/),
    tpm_present: readTpm(sys),
    secure_boot_enabled: readSecureBoot(sys),
    fips_mode: readFips(proc),
    agent_version: VERSION,
    image_version: matched(readImageInfo(imageInfoFile).version ?? '', /^([0-9A-Za-z][0-9A-Za-z.+-]{0,63})$/),
  };
}

/** A text as a report may carry it: one line, no control characters, bounded. */
export function factText(text: string | null): string | null {
  const clean = text
    ?.replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, FACT_TEXT_MAX);
  return clean ? clean : null;
}

/** PRETTY_NAME of os-release(5). */
function osName(osRelease: string): string | null {
  return matched(osRelease, /^PRETTY_NAME="?([^"\n]+)"?$/m);
}

function cpuField(cpuinfo: string, name: string): string | null {
  return matched(cpuinfo, new RegExp(`^${name}\\s*:\\s*(.+)$`, 'm'));
}

/** A driver that has it, or the firmware's own table of it (TCG ACPI specification): the kernel of the image may lack the driver. */
function readTpm(sys: string): boolean | null {
  const tables = `${sys}/firmware/acpi/tables`;
  if (listNames(`${sys}/class/tpm`).length > 0 || existsSync(`${tables}/TPM2`)) return true;
  return existsSync(tables) ? false : null;
}

/** Without EFI there is no secure boot; with EFI and without the variable nobody knows. */
function readSecureBoot(sys: string): boolean | null {
  if (!existsSync(`${sys}/firmware/efi`)) return existsSync(`${sys}/firmware`) ? false : null;
  const variable = readText(`${sys}/${SECURE_BOOT}`);
  return variable?.length === 5 ? variable.charCodeAt(4) === 1 : null;
}

/** A kernel that was built without it has no such file, and is not in it. */
function readFips(proc: string): boolean | null {
  const said = readLine(`${proc}/sys/crypto/fips_enabled`);
  if (said !== null) return said === '1';
  return existsSync(`${proc}/sys/kernel`) ? false : null;
}

function matched(text: string, form: RegExp): string | null {
  return form.exec(text)?.[1] ?? null;
}

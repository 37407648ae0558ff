import { VERSION } from '../../base/version.ts';
import type { Fingerprint } from './fingerprint.ts';

/** A whole fingerprint, for tests and for simulated appliances. */
export function exampleFingerprint(changed: Partial<Fingerprint> = {}): Fingerprint {
  return {
    hostname: 'bulkhead-1a2b3c',
    os: 'Debian GNU/Linux 12',
    kernel: '6.1.0-28-amd64',
    memory_bytes: 8_589_934_592,
    cpu_brand: 'AMD Ryzen Embedded R1505G',
    cpu_cores: 4,
    cpu_microcode: '0x8108109',
    board_serial: 'PABCD0EF1GH2IJ',
    product_uuid: '4c4c4544-0050-3110-8031-b4c04f4d4e32',
    chassis_serial: '8CC0123ABC',
    bios_version: 'M44 v01.20',
    root_uuid: '0b8e7f3c-52f1-4d7e-9e62-5f4c3b2a1908',
    root_hash: 'a'.repeat(64),
    network_interfaces: [{ name: 'eth0', mac: '00:11:22:33:44:55', up: true }],
    primary_mac: '00:11:22:33:44:55',
    primary_address: '192.0.2.10',
    gateway: '192.0.2.1',
    tpm_present: true,
    secure_boot_enabled: false,
    fips_mode: false,
    agent_version: VERSION,
    agent_build_hash: null,
    image_version: VERSION,
    active_slot: 'A',
    firewall_hash: 'b'.repeat(64),
    configuration_hash: 'c'.repeat(64),
    ...changed,
  };
}

import { describeError } from '../../base/errors.ts';
import { readMachineFacts } from '../../health-gate/machine-facts.ts';
import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import type { LoadedConfig } from '../config/load.ts';
import { describeBoot, readOwnBootView } from '../facts/boot.ts';
import type { FactPaths } from '../facts/fact-context.ts';
import { fileVersion, readLine } from '../facts/fact-files.ts';
import { type NetworkFacts, readNetwork } from '../facts/network.ts';
import { readSetupFacts } from '../facts/setup-facts.ts';
import { readFirewallFacts } from '../firewall/facts.ts';
import { configurationHash } from './configuration-hash.ts';
import { type ChangingField, factText, readFixedFacts } from './fixed-facts.ts';

/** Where a fingerprint comes from. */
export interface FingerprintOrigin {
  paths: FactPaths;
  /** Files whose values are in force, for telling whether to read them again. */
  configFiles: readonly string[];
  loadConfig: () => LoadedConfig;
  /** SHA-256 of the program; null where it is no one file. */
  build_hash: string | null;
  /** Told when something cannot be read that is there; the field is null then. */
  warn: (message: string) => void;
}

/**
 * Looks at everything, and at what cannot change in a boot only once. A look costs a dozen small reads and starts nothing; a file
 * of facts is parsed again when it was written again.
 *
 * @returns looks now; never throws
 */
export function createCollector(origin: FingerprintOrigin): () => Fingerprint {
  const { paths, warn } = origin;
  const fixed = readFixedFacts(paths);
  const own = readLine(`${paths.etc}/machine-id`) ?? '';
  const attempt = <T>(what: string, read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      warn(`${what}: ${describeError(error)}`);
      return null;
    }
  };
  const rootOnly = whenWritten([paths.setupFactsFile], () =>
    attempt('set-up', () => readSetupFacts(paths.setupFactsFile, false).hardware),
  );
  const slot = whenWritten([paths.machineFactsFile, paths.initrdReportFile], () =>
    attempt(
      'slot',
      () => describeBoot(readOwnBootView(paths), readMachineFacts(paths.machineFactsFile)).slot,
    ),
  );
  const firewall = whenWritten([paths.firewallFactsFile], () =>
    attempt('firewall', () => readFirewallFacts(paths.firewallFactsFile)?.digest ?? null),
  );
  const configuration = whenWritten(origin.configFiles, () =>
    attempt('configuration', () => configurationHash(origin.loadConfig(), own)),
  );
  return () => {
    const hardware = rootOnly();
    const changing: Pick<Fingerprint, ChangingField> = {
      hostname: factText(readLine(`${paths.proc}/sys/kernel/hostname`)) ?? 'unknown',
      ...(attempt('network', () => describeNetwork(paths)) ?? NO_NETWORK),
      active_slot: slot(),
      firewall_hash: sha256(firewall()),
      configuration_hash: configuration(),
    };
    return {
      ...fixed,
      ...changing,
      board_serial: factText(hardware?.board_serial ?? null),
      product_uuid: factText(hardware?.product_uuid ?? null),
      chassis_serial: factText(hardware?.chassis_serial ?? null),
      agent_build_hash: origin.build_hash,
    };
  };
}

type NetworkFields = Pick<Fingerprint, 'network_interfaces' | 'primary_mac' | 'primary_address' | 'gateway'>;

const NO_NETWORK: NetworkFields = {
  network_interfaces: [],
  primary_mac: null,
  primary_address: null,
  gateway: null,
};

function describeNetwork({ proc, sys, run, etc }: FactPaths): NetworkFields {
  const facts = readNetwork(proc, sys, run, etc);
  return {
    network_interfaces: facts.interfaces.map(({ name, mac, up, carrier }) => ({
      name: factText(name) ?? '',
      mac,
      // What is switched on without a cable reaches nobody.
      up: up && carrier,
    })),
    primary_mac: primaryMac(facts),
    primary_address: facts.primaryAddress,
    gateway: facts.gateway,
  };
}

/** Of the interface with the primary address; where there is none, of the first with a cable, then of the first that has one. */
function primaryMac({ interfaces, primaryAddress }: NetworkFacts): string | null {
  const chosen =
    interfaces.find(({ addresses }) => addresses.some((cidr) => cidr.split('/')[0] === primaryAddress)) ??
    interfaces.find(({ mac, carrier }) => mac !== null && carrier) ??
    interfaces.find(({ mac }) => mac !== null);
  return chosen?.mac ?? null;
}

function sha256(text: string | null): string | null {
  return text !== null && /^[0-9a-f]{64}$/.test(text) ? text : null;
}

/** Reads again when one of the files was written, made or removed since. */
function whenWritten<T>(files: readonly string[], read: () => T): () => T {
  let seen: string | undefined;
  let value: T;
  return () => {
    const now = files.map((file) => fileVersion(file).text).join('|');
    if (seen !== now) {
      value = read();
      seen = now;
    }
    return value;
  };
}

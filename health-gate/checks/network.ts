import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type Check, failed, passed } from '../check.ts';
import { CHECK_TIMEOUT_MS } from '../limits.ts';

/** A cable is plugged in. Observed only: a good update was never the fault of a switch that is off. */
export const networkLink: Check = {
  name: 'network-link',
  decisive: false,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    const folder = `${context.paths.sysFolder}/class/net`;
    // Only interfaces with hardware behind them have `device`; loopback, bridges and tunnels have not.
    const names = readdirSync(folder).filter((name) => existsSync(`${folder}/${name}/device`));
    if (names.length === 0) return failed('there is no network interface');
    const linked: string[] = [];
    for (const name of names) {
      // Reading the carrier of an interface that is down fails with EINVAL (Documentation/ABI/testing/sysfs-class-net).
      const carrier = await readFile(`${folder}/${name}/carrier`, 'utf8').catch(() => '0');
      if (carrier.trim() === '1') linked.push(name);
    }
    return linked.length > 0
      ? passed(`link on ${linked.join(', ')}`)
      : failed(`no link on ${names.join(', ')}`);
  },
};

/** The appliance has an address that others can reach. */
export const address: Check = {
  name: 'address',
  decisive: false,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find() {
    const found = reachableAddresses(networkInterfaces());
    return found.length > 0 ? passed(found.join(', ')) : failed('no address beyond loopback and link-local');
  },
};

/** Addresses beyond loopback (127/8, ::1) and link-local (169.254/16, fe80::/10), as `address on interface`. */
export function reachableAddresses(
  interfaces: Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>,
): string[] {
  return Object.entries(interfaces).flatMap(([name, infos]) =>
    (infos ?? [])
      .filter(
        (info) => !info.internal && !info.address.startsWith('169.254.') && !/^fe[89ab]/i.test(info.address),
      )
      .map((info) => `${info.address} on ${name}`),
  );
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openAuthority } from '../../../../appliance/sensors/pki/authority.ts';
import { createRegistry } from '../../../../appliance/sensors/registry/registry.ts';
import { SENSORS_PART } from '../../../../appliance/sensors/registry/tables.ts';
import { openSiteStore } from '../../../../appliance/site/store/store.ts';
import { exampleSensor } from '../example-sensor.ts';
import type { SensorKeys } from './paced-sensor.ts';

/**
 * So many sensors that are in before the service starts: one address, as which they all come, would be let in one by one for a quarter of an
 * hour.
 *
 * @param folder of the store
 */
export async function letIn(
  folder: string,
  count: number,
): Promise<{ authority_pem: string; sensors: SensorKeys[] }> {
  const warn = (words: string) => void process.stderr.write(`${words}\n`);
  const now = () => new Date();
  const store = openSiteStore({ file: join(folder, 'site.db'), parts: [SENSORS_PART], warn });
  const registry = createRegistry({ store, now, warn });
  mkdirSync(join(folder, 'pki'), { mode: 0o700 });
  const authority = await openAuthority(join(folder, 'pki'), now);
  const sensors: SensorKeys[] = [];
  for (let index = 0; index < count; index += 1) {
    const { id, hostname } = await registry.add(exampleSensor(index));
    const { fingerprint, expires_ms, certificate_pem, key_pem } = await authority.issueClient(id);
    await registry.addCertificate({ fingerprint, sensor: id, issued_ms: Date.now(), expires_ms });
    sensors.push({ id, hostname, certificate_pem, key_pem: key_pem ?? '' });
  }
  await registry.stop();
  store.stop();
  return { authority_pem: authority.certificate_pem, sensors };
}

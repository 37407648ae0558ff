import { Elysia, t } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import type { EvidenceLog } from '../evidence/entry.ts';
import type { SensorAdmission, Waiting } from './admission/admission.ts';
import { sensorChanges } from './changes.ts';
import type { Authority } from './pki/authority.ts';
import { newerProgram } from './programs/offers.ts';
import type { SensorPrograms } from './programs/program-folder.ts';
import type { SensorRegistry } from './registry/registry.ts';
import { CAPABILITY_TIERS, type Sensor } from './registry/sensor.ts';

const Tier = OneOf(CAPABILITY_TIERS);
/** Who asks, for the record: a user name, an order, `status page`. */
const By = t.String({ minLength: 1, maxLength: 64, pattern: '^[\\w .@:-]+$' });

/** What a new code comes with. */
export interface NewCode {
  code: string;
  expires_at: string;
  /** Of the site's authority, for a person to compare before a sensor trusts it. */
  ca_sha256: string;
}

/** `GET /v1/sensors`. */
export interface SensorList {
  sensors: Sensor[];
  waiting: Waiting[];
  /** By id: the version that a sensor should run and does not yet. */
  behind: Record<string, string>;
}

export interface SensorsControlParts {
  admission: SensorAdmission;
  authority: Authority;
  registry: SensorRegistry;
  evidence: Pick<EvidenceLog, 'append'>;
  programs: SensorPrograms;
}

/**
 * Sensors over the control socket, for commands and for the status page:
 *
 * `GET /v1/sensors` who is in and who waits · `GET /v1/sensors/:id`, `/:id/software` · `POST /v1/sensors/codes` a one-time code ·
 * `POST /v1/sensors/waiting/:fingerprint/admit`, `/refuse` · `POST /v1/sensors/:id/revoke`, `/tier` ·
 * `GET /v1/sensors/console-code` the digits for the console · `GET /v1/sensors/authority` the certificate that sensors trust
 */
export function sensorsControl(parts: SensorsControlParts) {
  const { admission, authority, registry, evidence, programs } = parts;
  const sensors = sensorChanges(registry, evidence);
  const behind = (list: readonly Sensor[]): Record<string, string> =>
    Object.fromEntries(
      list.flatMap((sensor) => {
        const newer = newerProgram(sensor, programs.list());
        return newer === null ? [] : [[sensor.id, newer.version]];
      }),
    );
  return new Elysia({ name: 'sensors-control', prefix: '/v1/sensors' })
    .get('/', (): SensorList => {
      const list = registry.list();
      return { sensors: list, waiting: admission.waiting(), behind: behind(list) };
    })
    .get('/authority', () => ({ certificate_pem: authority.certificate_pem, sha256: authority.fingerprint }))
    .get('/console-code', () => ({ code: admission.consoleCode() }))
    .post(
      '/codes',
      async ({ body: { by, tier } }): Promise<NewCode> => ({
        ...(await admission.makeCode(by, tier)),
        ca_sha256: authority.fingerprint,
      }),
      { body: t.Object({ by: By, tier: Tier }) },
    )
    .post(
      '/waiting/:fingerprint/admit',
      ({ params: { fingerprint }, body: { way, tier, console_code } }): Promise<Waiting> =>
        admission.approve({
          ...{ fingerprint, by: way, tier },
          ...(console_code === undefined ? {} : { console_code }),
        }),
      {
        body: t.Object({
          way: OneOf(['operator', 'status_page', 'coordinator']),
          tier: Tier,
          console_code: t.Optional(t.String({ maxLength: 64 })),
        }),
      },
    )
    .post(
      '/waiting/:fingerprint/refuse',
      ({ params: { fingerprint }, body: { by } }): Promise<Waiting> => admission.refuse(fingerprint, by),
      { body: t.Object({ by: By }) },
    )
    .get('/:id', ({ params: { id } }): Sensor => registry.get(id))
    .get('/:id/software', ({ params: { id } }): string[] => registry.software.of(registry.get(id).id))
    .post('/:id/revoke', ({ params: { id }, body: { by } }): Promise<Sensor> => sensors.revoke(id, by), {
      body: t.Object({ by: By }),
    })
    .post(
      '/:id/tier',
      ({ params: { id }, body: { by, tier } }): Promise<Sensor> => sensors.setTier(id, tier, by),
      { body: t.Object({ by: By, tier: Tier }) },
    );
}

import { type Static, Type as t } from '@sinclair/typebox';
import { SlotName, Unknowable } from '../base/schema.ts';
import { Verdict } from '../health-gate/verdict-schema.ts';
import { LinkSection } from './link-section.ts';
import { SecretsSection } from './secrets-section.ts';
import { UpdateSection } from './update-section.ts';

/**
 * Everything a person or program may know about the appliance from the open page: one schema that is type,
 * validation and OpenAPI at once. Nothing secret has a field here, so nothing secret can be shown.
 */

export const SlotStatus = t.Object({
  slot: SlotName,
  state: t.Union(
    [t.Literal('active'), t.Literal('trial'), t.Literal('standby'), t.Literal('bad'), t.Literal('empty')],
    {
      description:
        'active: committed; trial: being tried; standby: good, not in use; bad: failed; empty: no image',
    },
  ),
  running: t.Boolean({ description: 'this boot runs from here' }),
  version: Unknowable(t.String()),
  rootHash: Unknowable(t.String({ description: 'dm-verity root hash, 64 hex digits' })),
  builtAt: Unknowable(t.String({ format: 'date-time' })),
});

export const InterfaceStatus = t.Object({
  name: t.String(),
  mac: Unknowable(t.String()),
  up: t.Boolean(),
  carrier: t.Boolean(),
  speed_mbps: Unknowable(t.Number()),
  addresses: t.Array(t.String({ description: 'CIDR' })),
});

export const ServiceStatus = t.Object({
  unit: t.String(),
  description: t.String(),
  state: t.Union([
    t.Literal('running'),
    t.Literal('done'),
    t.Literal('starting'),
    t.Literal('failed'),
    t.Literal('stopped'),
  ]),
  critical: t.Boolean({ description: 'a failure fails the health gate' }),
  restarts: Unknowable(t.Integer({ minimum: 0 })),
  memory_bytes: Unknowable(t.Number()),
});

/** Where reaching the coordinator stops: the first stage that failed, in this order. */
export const COORDINATOR_STAGES = ['link', 'dns', 'tcp', 'tls', 'health', 'auth'] as const;

export const CoordinatorStatus = t.Object({
  configured: t.Boolean(),
  url: Unknowable(t.String()),
  reachable: Unknowable(t.Boolean()),
  failingStage: t.Union([...COORDINATOR_STAGES.map((stage) => t.Literal(stage)), t.Null()]),
  message: t.String(),
  checkedAt: Unknowable(t.String({ format: 'date-time' })),
  link: t.Union([LinkSection, t.Null()], { description: 'null: no coordinator is configured' }),
});

export const Status = t.Object({
  identity: t.Object({
    hostname: t.String(),
    siteId: Unknowable(t.String()),
    deviceId: Unknowable(t.String({ description: 'SHA-256 of the device public key, hex' })),
    machineId: Unknowable(t.String({ description: 'derived from the machine id, as stable' })),
    product: Unknowable(t.String()),
    vendor: Unknowable(t.String()),
    serial: Unknowable(t.String()),
  }),
  version: t.Object({
    running: t.String({ description: 'version of the image this boot runs' }),
    program: t.String({ description: 'version of the program; differs only when something is wrong' }),
    revision: Unknowable(t.String()),
    kernel: t.String(),
  }),
  boot: t.Object({
    bootId: t.String(),
    slot: t.Union([SlotName, t.Null()]),
    slotSource: t.Union([t.Literal('command-line'), t.Literal('state-file'), t.Literal('mount'), t.Null()]),
    contradiction: Unknowable(t.String({ description: 'what the sources of the slot disagree about' })),
    attempt: Unknowable(t.Integer({ minimum: 0 })),
    maxAttempts: t.Integer(),
    mode: t.Union([t.Literal('normal'), t.Literal('trial'), t.Literal('rescue'), t.Literal('live')]),
    stateFile: t.Union([
      t.Literal('ok'),
      t.Literal('damaged'),
      t.Literal('missing'),
      t.Literal('unreadable'),
    ]),
  }),
  setup: t.Object({
    problems: t.Array(
      t.String({ description: 'what the set-up of this boot could not do or would not take over' }),
    ),
  }),
  slots: t.Array(SlotStatus),
  update: UpdateSection,
  health: t.Object({
    outcome: t.Union([t.Literal('healthy'), t.Literal('unhealthy'), t.Literal('pending')]),
    verdicts: t.Array(Verdict, { description: 'latest first' }),
  }),
  system: t.Object({
    uptime_s: t.Number({ minimum: 0 }),
    memory: t.Object({ total_bytes: t.Number(), used_bytes: t.Number(), agent_bytes: t.Number() }),
    load: t.Array(t.Number(), { description: '1, 5 and 15 minutes' }),
    dataDisk: t.Object({
      total_bytes: Unknowable(t.Number()),
      used_bytes: Unknowable(t.Number()),
      readOnly: Unknowable(t.Boolean()),
    }),
    temperature_c: Unknowable(t.Number()),
    watchdog: t.Object({
      present: t.Boolean(),
      identity: Unknowable(t.String()),
      timeout_s: Unknowable(t.Number()),
    }),
  }),
  time: t.Object({
    now: t.String({ format: 'date-time' }),
    zone: t.String(),
    synchronised: Unknowable(t.Boolean()),
    server: Unknowable(t.String()),
    offset_ms: Unknowable(t.Number()),
  }),
  network: t.Object({
    interfaces: t.Array(InterfaceStatus),
    primaryAddress: Unknowable(t.String()),
    gateway: Unknowable(t.String()),
    dns: t.Array(t.String()),
  }),
  firewall: t.Object({
    loaded: t.Boolean(),
    rules: t.Integer({ minimum: 0 }),
    digest: Unknowable(t.String({ description: 'SHA-256 of the canonical rule set' })),
    openPorts: t.Array(t.String({ description: 'tcp/80' })),
    checkedAt: Unknowable(t.String({ format: 'date-time' })),
  }),
  secrets: SecretsSection,
  coordinator: CoordinatorStatus,
  services: t.Array(ServiceStatus),
});

export type Status = Static<typeof Status>;
export type SlotStatus = Static<typeof SlotStatus>;
export type InterfaceStatus = Static<typeof InterfaceStatus>;
export type ServiceStatus = Static<typeof ServiceStatus>;
export type CoordinatorStatus = Static<typeof CoordinatorStatus>;

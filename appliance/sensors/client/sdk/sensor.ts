import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../../../base/errors.ts';
import type { RMMAgent } from '../../../../protocol/sensors/generated/compliance.ts';
import type { Address, AuthoritySource } from './authority.ts';
import { EventQueue, type Lost } from './event-queue.ts';
import { type FlapState, filterFlaps } from './flap-filter.ts';
import { Healer, type SensorActions } from './heal-command.ts';
import { HealJournal } from './heal-journal.ts';
import { type Admission, readIdentity, writeIdentity } from './identity.ts';
import { CHECK_INTERVAL_S, INTERVAL_JITTER_SHARE, LOOK_AGAIN_MS } from './limits.ts';
import { Link, type LinkParts, type LinkState, type UpdateOffer } from './link.ts';
import { makeEvent, type Reading } from './reading.ts';
import type { MachineFacts } from './registration.ts';
import { openSensorStore } from './sensor-store.ts';

/** One thing that a sensor looks at. */
export interface SensorCheck {
  /** `[a-z0-9_.-]{1,64}`. */
  check_type: string;
  /** Looks now. @param settings what the appliance set for the checks @throws nothing: what cannot be looked at has failed */
  look(settings: Readonly<Record<string, string>>): Promise<Reading>;
}

export interface SensorOptions {
  /** The sensor's own folder: identity, queue, journal. */
  folder: string;
  address: Address;
  authority: AuthoritySource;
  server_name?: string;
  code?: string;
  facts: MachineFacts;
  /** What is installed on the machine, asked at each connection. Default: nothing is said. */
  software?: () => Promise<readonly string[]>;
  checks: readonly SensorCheck[];
  actions: SensorActions;
  /** Remote management that was found, each time it is worth telling. */
  remote?: () => readonly RMMAgent[] | null;
  /** Told about a newer program. */
  onOffer?: (offer: UpdateOffer) => void;
  /** Behind each heartbeat that the appliance acknowledged. */
  onHeard?: () => void;
  /** Told whenever `status` has changed. */
  onStatus?: (status: SensorStatus) => void;
  log: (level: 'info' | 'warning', message: string) => void;
  now_ms?: () => number;
  random?: () => number;
  /** Instead of what the appliance sets; for tests and demonstrations. */
  check_interval_ms?: number;
  pace?: Pick<LinkParts, 'heartbeat_interval_ms' | 'pause_ms'>;
}

export interface SensorStatus {
  agent_id: string | null;
  tier: Admission['tier'] | null;
  link: LinkState;
  last_heard_ms: number | null;
  /** What each check said last. */
  checks: Readonly<Record<string, { passed: boolean; actual: string; flapping: boolean; at_ms: number }>>;
  waiting: number;
  lost: Lost;
  memory_only: string | null;
}

export interface Sensor {
  /** Looks and tells until it is told to stop; then tells what is under way and closes. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Tells something that no check of the list found. */
  tell(reading: Reading): void;
  status(): SensorStatus;
}

/** A sensor: checks, the flap filter, the queue, the commands, and the one conversation with the appliance. */
export function createSensor(options: SensorOptions): Sensor {
  const { folder, checks, actions, log, now_ms = Date.now, random = Math.random } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const identityFile = join(folder, 'identity.json');
  const now_s = () => Math.floor(now_ms() / 1000);
  const store = openSensorStore(join(folder, 'sensor.db'), (message) => log('warning', message));
  const queue = new EventQueue(store);
  const journal = new HealJournal(store, now_s());
  const flaps = new Map<string, FlapState>();
  const last = new Map<string, SensorStatus['checks'][string]>();
  let admission = readIdentity(identityFile)?.admission ?? null;
  let link_state: LinkState = { state: 'connecting' };
  let last_heard_ms: number | null = null;
  let healed = 0;

  const status = (): SensorStatus => ({
    ...{
      agent_id: admission?.agent_id ?? null,
      tier: admission?.tier ?? null,
      link: link_state,
      last_heard_ms,
    },
    checks: Object.fromEntries(last),
    ...{ waiting: queue.state().waiting, lost: queue.state().lost, memory_only: store.memoryOnly() },
  });
  const changed = () => options.onStatus?.(status());

  const tell = (reading: Reading) => {
    const before = flaps.get(reading.check_type);
    // Not the time of day: a clock that is set must not make a steady check flap.
    const { state, tell: told } = filterFlaps(before, reading, performance.now() / 1000);
    flaps.set(reading.check_type, state);
    const { passed, actual, check_type } = reading;
    if (last.get(check_type)?.passed !== passed)
      log(passed ? 'info' : 'warning', `${check_type}: ${passed ? 'passed' : 'failed'}: ${actual}`);
    last.set(check_type, { passed, actual, flapping: state.flapping, at_ms: now_ms() });
    if (state.flapping && before?.flapping !== true)
      log('warning', `${check_type}: flapping; told once until it is steady`);
    if (told === null) return;
    queue.put(makeEvent(told, now_s()));
    link.wake();
  };
  const look = async (check: SensorCheck) => {
    try {
      tell(await check.look(admission?.check_config ?? {}));
    } catch (error) {
      log('warning', `${check.check_type}: the check itself failed: ${describeError(error)}`);
    }
  };

  const healer = new Healer({
    ...{ store, journal, actions, now_s },
    tier: () => admission?.tier ?? 'monitor_only',
    acted: ({ action, check_type }, success) => {
      log(success ? 'info' : 'warning', `${action} for ${check_type}: ${success ? 'done' : 'failed'}`);
      if (success) healed += 1;
      const check = checks.find((one) => one.check_type === check_type);
      // The second look, which alone says whether it helped.
      if (check !== undefined) setTimeout(() => void look(check).then(changed), LOOK_AGAIN_MS).unref();
    },
  });

  const link = new Link({
    ...{ address: options.address, authority: options.authority, server_name: options.server_name ?? null },
    ...{ code: options.code ?? null, facts: options.facts, queue, journal, now_ms, random },
    identity: {
      read: () => readIdentity(identityFile),
      write: (identity) => writeIdentity(identityFile, identity),
    },
    counts: () => ({ drift: [...last.values()].filter(({ passed }) => !passed).length, healing: healed }),
    software: options.software ?? (async () => []),
    remote: options.remote ?? (() => null),
    onCommand: (command) => void healer.take(command).then(() => link.wakeResults()),
    onAdmission: (given) => {
      if (admission?.agent_id !== given.agent_id) log('info', `let in as ${given.agent_id}, ${given.tier}`);
      admission = given;
    },
    onOffer: (offer) => options.onOffer?.(offer),
    onHeard: () => {
      last_heard_ms = now_ms();
      options.onHeard?.();
      changed();
    },
    onState: (state) => {
      if ('why' in state && (!('why' in link_state) || link_state.why !== state.why))
        log('warning', `${state.state}: ${state.why}`);
      if (state.state === 'connected') log('info', `connected to ${options.address.host}`);
      link_state = state;
      changed();
    },
    onRefusedEvent: (check_type, why) => log('warning', `an event of ${check_type} is given up: ${why}`),
    ...options.pace,
  });

  const lookAgainAndAgain = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      const wanted = admission?.enabled_checks ?? [];
      for (const check of checks)
        if (!signal.aborted && (wanted.length === 0 || wanted.includes(check.check_type))) await look(check);
      changed();
      const set_ms = (admission?.check_interval_s ?? CHECK_INTERVAL_S.default) * 1000;
      const jitter = 1 + INTERVAL_JITTER_SHARE * (2 * random() - 1);
      await sleep((options.check_interval_ms ?? set_ms) * jitter, undefined, { signal }).catch(
        () => undefined,
      ); // Ended: the loop sees it.
    }
  };

  return {
    tell,
    status,
    async run(signal) {
      try {
        await Promise.all([link.run(signal), lookAgainAndAgain(signal)]);
        await healer.stop();
      } finally {
        store.close();
      }
    },
  };
}

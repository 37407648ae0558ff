import { BulkheadError } from '../../base/errors.ts';
import type { CapabilityTier } from './tier.ts';

/** What kind of machine is acted on. */
export const PLATFORMS = ['appliance', 'linux', 'windows'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** Values of an action by their names. All are text, as heal commands carry them. */
export type ActionParams = Readonly<Record<string, string>>;

export interface ActionParameter {
  /** The whole value. Nothing in it means anything to a shell. */
  form: RegExp;
  required: boolean;
  /** A rule may take the value out of the detection: whoever looked then chooses it, within the form. */
  from_detection: boolean;
  what: string;
}

export interface ActionFacts {
  platforms: readonly Platform[];
  /** A machine below this tier never has it done. */
  tier: Exclude<CapabilityTier, 'monitor_only'>;
  risk: 'low' | 'medium' | 'high';
  /** What it does, and what may come of it. */
  does: string;
  /** From the start of the action to its end; one that takes longer has failed. */
  timeout_s: number;
  params: Readonly<Record<string, ActionParameter>>;
}

/** Units of the appliance that healing may start again. */
export const RESTARTABLE_UNITS = [
  'compliance-agent.service',
  'systemd-networkd.service',
  'systemd-resolved.service',
  'systemd-timesyncd.service',
] as const;

const SERVICE: ActionParameter = {
  form: /^[A-Za-z0-9][A-Za-z0-9@_.-]{0,63}$/,
  required: true,
  from_detection: true,
  what: 'name of a service that is installed on the machine',
};

/**
 * Everything that healing may do to a machine, and all of it: there is no action that takes a command. One that cuts somebody off, restarts
 * a machine or cannot be taken back needs the highest tier.
 */
export const ACTIONS = {
  apply_firewall: {
    ...{ platforms: ['appliance'], tier: 'self_heal', risk: 'low', timeout_s: 60, params: {} },
    does: 'loads the rules that the configuration asks for, in one transaction',
  },
  restart_unit: {
    ...{ platforms: ['appliance'], tier: 'self_heal', risk: 'low', timeout_s: 120 },
    does: 'starts one unit of a fixed list again; what it was serving is interrupted for seconds',
    params: {
      unit: {
        form: new RegExp(`^(${RESTARTABLE_UNITS.map((unit) => unit.replaceAll('.', '\\.')).join('|')})$`),
        ...{ required: true, from_detection: true, what: RESTARTABLE_UNITS.join(', ') },
      },
    },
  },
  restart_time_sync: {
    ...{ platforms: ['appliance', 'linux'], tier: 'self_heal', risk: 'low', timeout_s: 120, params: {} },
    does: 'starts the service that keeps the clock again',
  },
  free_disk_space: {
    ...{ platforms: ['linux'], tier: 'self_heal', risk: 'low', timeout_s: 300, params: {} },
    does: 'removes what can be had again: archived journals and fetched packages',
  },
  start_service: {
    ...{ platforms: ['linux', 'windows'], tier: 'self_heal', risk: 'low', timeout_s: 120 },
    does: 'starts a service that is installed, now and at every boot',
    params: { service: SERVICE },
  },
  enable_firewall: {
    ...{ platforms: ['linux', 'windows'], tier: 'self_heal', risk: 'medium', timeout_s: 120, params: {} },
    does: 'switches the firewall of the system on, with the rules that it has',
  },
  enable_defender: {
    ...{ platforms: ['windows'], tier: 'self_heal', risk: 'low', timeout_s: 120, params: {} },
    does: 'switches real-time protection on',
  },
  update_defender_signatures: {
    ...{ platforms: ['windows'], tier: 'self_heal', risk: 'low', timeout_s: 600, params: {} },
    does: 'fetches the newest signatures',
  },
  enable_screenlock: {
    ...{ platforms: ['windows'], tier: 'self_heal', risk: 'low', timeout_s: 60 },
    does: 'locks the screen after a time without input',
    params: {
      after_s: {
        ...{ form: /^[1-9][0-9]{1,3}$/, required: false, from_detection: false },
        what: 'seconds without input, 10 to 9999; 900 when not given',
      },
    },
  },
  install_security_updates: {
    ...{
      platforms: ['linux', 'windows'],
      tier: 'full_remediation',
      risk: 'high',
      timeout_s: 3600,
      params: {},
    },
    does: 'installs the security updates that the system offers; services start again, the machine does not',
  },
  harden_ssh: {
    ...{ platforms: ['linux'], tier: 'full_remediation', risk: 'high', timeout_s: 60, params: {} },
    does: 'switches log-in by password and log-in of root by password off; who has no key is locked out',
  },
  lock_account: {
    ...{ platforms: ['linux'], tier: 'full_remediation', risk: 'high', timeout_s: 60 },
    does: 'locks an account',
    params: {
      user: {
        ...{ form: /^[a-z_][a-z0-9_-]{0,31}$/, required: true, from_detection: false },
        what: 'name of the account; a detection cannot choose it',
      },
    },
  },
  enable_bitlocker: {
    ...{ platforms: ['windows'], tier: 'full_remediation', risk: 'high', timeout_s: 600 },
    does: 'begins to encrypt a volume; it is lost with its recovery key',
    params: {
      volume: {
        ...{ form: /^[A-Z]:$/, required: false, from_detection: true },
        what: 'C: when not given',
      },
    },
  },
} as const satisfies Record<string, ActionFacts>;

export type ActionName = keyof typeof ACTIONS;

export const ACTION_NAMES = Object.keys(ACTIONS) as ActionName[];

export function isActionName(name: string): name is ActionName {
  return Object.hasOwn(ACTIONS, name);
}

/** The facts of an action, all parameters alike. */
export function actionFacts(name: ActionName): ActionFacts {
  return ACTIONS[name];
}

/**
 * An action that may be carried out on this platform with these values. Whoever carries one out asks this first, whoever asked for it.
 *
 * @param filled_in_later names of values that are not known yet
 * @throws BulkheadError HEALING_ACTION_UNKNOWN, HEALING_ACTION_PLATFORM, HEALING_ACTION_PARAMETERS
 */
export function checkAction(
  name: string,
  platform: Platform,
  params: ActionParams,
  filled_in_later: Readonly<Record<string, unknown>> = {},
): { action: ActionName; params: ActionParams } {
  if (!isActionName(name))
    throw new BulkheadError('HEALING_ACTION_UNKNOWN', `there is no action '${printable(name)}'`, {
      hint: 'the list is in the documentation (reference, healing rules)',
    });
  const facts = actionFacts(name);
  if (!facts.platforms.includes(platform))
    throw new BulkheadError('HEALING_ACTION_PLATFORM', `${name} is not done on platform ${platform}`);
  for (const [key, value] of Object.entries(params)) {
    const parameter = Object.hasOwn(facts.params, key) ? facts.params[key] : undefined;
    if (!parameter) throw refused(name, `there is no parameter '${printable(key)}'`);
    if (!parameter.form.test(value)) throw refused(name, `${key} is not ${parameter.what}`);
  }
  for (const [key, { required }] of Object.entries(facts.params))
    if (required && !Object.hasOwn(params, key) && !Object.hasOwn(filled_in_later, key))
      throw refused(name, `${key} is missing`);
  return { action: name, params: { ...params } };
}

function refused(name: string, why: string): BulkheadError {
  return new BulkheadError('HEALING_ACTION_PARAMETERS', `${name}: ${why}`);
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);
}

import type { Rule } from '../../../protocol/healing/rule.ts';
import { RESTARTABLE_UNITS } from '../actions.ts';

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

const made = (
  rule: Pick<Rule, 'id' | 'title' | 'check_type' | 'platform' | 'action'> & Partial<Rule>,
): Rule => ({
  ...{ enabled: true, conditions: [], params: {}, priority: 100, cooldown_s: 600, retries: 2, settle_s: 0 },
  ...{ tier: 'self_heal' },
  ...rule,
});

/** What nobody can measure is no compliance, and no reason to act either. */
const MEASURED: Rule['conditions'] = [{ field: 'metadata.state', operator: 'eq', value: 'fails' }];

/** Rules that come with the program. They can be switched off by their id and are not changed. */
export const BUILT_IN_RULES: readonly Rule[] = [
  made({
    ...{ id: 'bh-appliance-firewall', title: 'the rules in the kernel are not those of the configuration' },
    ...{ platform: 'appliance', check_type: 'firewall', action: 'apply_firewall', cooldown_s: 300 },
    conditions: MEASURED,
  }),
  made({
    ...{ id: 'bh-appliance-time', title: 'no time server has answered', cooldown_s: HOUR_S, settle_s: 60 },
    ...{ platform: 'appliance', check_type: 'time', action: 'restart_time_sync', retries: 1 },
    conditions: MEASURED,
  }),
  ...RESTARTABLE_UNITS.map((unit) =>
    made({
      id: `bh-appliance-${unit.replace('.service', '')}`,
      ...{
        title: `${unit} has ended`,
        platform: 'appliance',
        check_type: 'services',
        action: 'restart_unit',
      },
      ...{ params: { unit }, settle_s: 10 },
      conditions: [
        ...MEASURED,
        {
          field: 'actual',
          operator: 'regex',
          value: String.raw`\b${unit.replaceAll('.', String.raw`\.`)} is (failed|inactive)\b`,
        },
      ],
    }),
  ),
  ...(['linux', 'windows'] as const).flatMap((platform) => [
    made({
      ...{ id: `bh-${platform}-firewall`, title: 'the firewall is off' },
      ...{ platform, check_type: 'firewall', action: 'enable_firewall', cooldown_s: 300 },
    }),
    made({
      ...{ id: `bh-${platform}-patches`, title: 'security updates are missing', cooldown_s: DAY_S },
      ...{ platform, check_type: 'patches', action: 'install_security_updates', retries: 0 },
      tier: 'full_remediation',
    }),
  ]),
  made({
    ...{ id: 'bh-linux-service', title: 'a service that should run does not', settle_s: 5 },
    ...{ platform: 'linux', check_type: 'services', action: 'start_service' },
    params: { service: { from: 'metadata.service' } },
    conditions: [{ field: 'metadata.service', operator: 'exists', value: true }],
  }),
  made({
    ...{ id: 'bh-linux-time', title: 'the clock is not kept', cooldown_s: HOUR_S, settle_s: 60, retries: 1 },
    ...{ platform: 'linux', check_type: 'time', action: 'restart_time_sync' },
  }),
  made({
    ...{ id: 'bh-linux-disk', title: 'a file system is filling up', cooldown_s: DAY_S, retries: 0 },
    ...{ platform: 'linux', check_type: 'disk', action: 'free_disk_space' },
  }),
  made({
    ...{ id: 'bh-windows-defender', title: 'real-time protection is off' },
    ...{ platform: 'windows', check_type: 'defender', action: 'enable_defender' },
  }),
  made({
    ...{ id: 'bh-windows-signatures', title: 'the signatures of the virus scanner are old' },
    ...{ platform: 'windows', check_type: 'defender', action: 'update_defender_signatures' },
    ...{ priority: 200, cooldown_s: HOUR_S, settle_s: 30 },
    conditions: [{ field: 'actual', operator: 'regex', value: '(?i)signature' }],
  }),
  made({
    ...{ id: 'bh-windows-screenlock', title: 'the screen is not locked' },
    ...{ platform: 'windows', check_type: 'screenlock', action: 'enable_screenlock', retries: 1 },
  }),
  made({
    ...{ id: 'bh-windows-rmm', title: 'the agent for remote management does not run' },
    ...{ platform: 'windows', check_type: 'rmm', action: 'start_service' },
    params: { service: { from: 'metadata.service' } },
    conditions: [{ field: 'metadata.service', operator: 'exists', value: true }],
  }),
];

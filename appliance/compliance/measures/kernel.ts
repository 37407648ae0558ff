import type { Sight } from '../look/sight.ts';
import type { Measure } from '../register/measure.ts';
import { isFresh } from './freshness.ts';
import { fails, holds, judge, type Measured, unknown } from './measured.ts';

type Wants = Extract<Measure, { name: 'sysctl' }>['wants'];

/** What this process cannot read itself it takes from what root read. */
export function measureSysctl({ wants }: { wants: Wants }, sight: Sight): Measured {
  const byRoot = sight.root !== null && isFresh(sight, sight.root.at) ? sight.root.sysctls : {};
  const faults: string[] = [];
  const unseen: string[] = [];
  const good: string[] = [];
  for (const [name, values] of Object.entries(wants)) {
    const value = sight.sysctls[name] ?? byRoot[name];
    if (value === undefined) unseen.push(`${name} cannot be read`);
    else if (values.includes(value)) good.push(`${name} = ${value}`);
    else faults.push(`${name} = ${value}`);
  }
  return judge(faults, unseen, good.join('; '));
}

export function measureNoExecute(sight: Sight): Measured {
  if (sight.processor === null) return unknown('/proc/cpuinfo names no flags');
  return sight.processor.flags.includes('nx') ? holds('nx') : fails('the processors have no nx');
}

/** The kernel's words begin with `Not affected`, `Mitigation: …`, `Vulnerable…` or `Unknown…` (sysfs-devices-system-cpu). */
export function measureMitigations(sight: Sight): Measured {
  const states = Object.entries(sight.processor?.vulnerabilities ?? {});
  if (states.length === 0) return unknown('the kernel does not say');
  const named = (begin: RegExp) =>
    states.flatMap(([name, state]) => (begin.test(state) ? [`${name}: ${state}`] : []));
  return judge(
    named(/^(?:Vulnerable|Processor vulnerable|KVM: Vulnerable)/),
    named(/^Unknown/),
    `none of ${states.length} known ones is open`,
  );
}

export function measureMandatoryAccess({ securityLabel }: Sight): Measured {
  if (securityLabel === null) return fails('no security module labels this process');
  if (/^(?:unconfined|kernel|unlabeled)/.test(securityLabel))
    return fails(`this process is ${securityLabel}`);
  return holds(`this process is ${securityLabel}`);
}

export function measureCrashRecord({ crashRecord }: Sight): Measured {
  return crashRecord === null ? fails('the kernel has no such place') : holds(crashRecord);
}

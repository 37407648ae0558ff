import { type BootChoice, type BootConditions, selectBoot } from '../../partitions/boot-machine.ts';
import type { BootAttempts, BootState } from '../../partitions/boot-state.ts';
import { otherSlot, SLOTS } from '../../partitions/slot.ts';

/** The whole table of partitions/boot-machine.ts as a script for the real GRUB, and as the answers it has to give. */

/** Every state there is: 288. */
export function allStates(): BootState[] {
  const states: BootState[] = [];
  for (const active of SLOTS)
    for (const trial of [null, otherSlot(active)])
      for (const attempts of [0, 1, 2, 3, 4, 5] as BootAttempts[])
        for (const A of [false, true])
          for (const B of [false, true])
            for (const failed of [null, ...SLOTS])
              states.push({ active, trial, attempts, good: { A, B }, failed });
  return states;
}

/** Everything GRUB may find beside the state: 16. */
export function allConditions(): Required<BootConditions>[] {
  const flags = [false, true];
  return flags.flatMap((canSave) =>
    flags.flatMap((A) =>
      flags.flatMap((B) => SLOTS.map((turn) => ({ canSave, whole: { A, B }, turn }) as const)),
    ),
  );
}

/** What the driver tries to save over every damaged block. */
export const SAVED_OVER_DAMAGE: BootState = {
  active: 'A',
  trial: 'B',
  attempts: 1,
  good: { A: true, B: false },
  failed: null,
};

const bit = (flag: boolean): string => (flag ? '1' : '0');

const conditionName = ({ canSave, whole, turn }: Required<BootConditions>): string =>
  `${bit(canSave)}${bit(whole.A)}${bit(whole.B)}${turn}`;

export const stateFile = (index: number): string => `s${index}`;
export const blockFile = (index: number): string => `f${index}`;

/**
 * Walks the table with the functions of grub.cfg and prints a line per row (D), then loads the damaged blocks (F),
 * then saves: the choice for every state into its own file, one state over every damaged block (S).
 */
export function driverScript(states: number, blocks: number): string {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index).join(' ');
  const conditions = allConditions().map(
    (condition) =>
      `  set can_save=${bit(condition.canSave)}; set whole_a=${bit(condition.whole.A)}; ` +
      `set whole_b=${bit(condition.whole.B)}; set turn=${condition.turn}\n  row $1 ${conditionName(condition)}`,
  );
  return `
set bulkhead_functions_only=1
source ($root)/bulkhead/real.cfg
serial --unit=0 --speed=115200
terminal_output serial
function row {
  decide
  set next="-"
  if [ "$save" = "1" ]; then
    set next="$active_partition $trial_partition $boot_attempts $good_a $good_b $failed_partition"
  fi
  echo "D $1 $2 $slot $mode $attempt $reason $next"
}
function rows {
${conditions.join('\n')}
}
for number in ${numbers(states)}; do
  load_state ($root)/t/s$number
  rows s$number
done
load_state ($root)/t/none
rows none
for number in ${numbers(blocks)}; do
  load_state ($root)/t/f$number
  echo "F f$number $was_valid"
done
set whole_a=1
set whole_b=1
for number in ${numbers(states)}; do
  load_state ($root)/t/s$number
  set can_save=1
  decide
  save_state ($root)/t/s$number
  echo "S s$number $can_save"
done
for file in none ${Array.from({ length: blocks }, (_, index) => blockFile(index)).join(' ')}; do
  set active_partition=${SAVED_OVER_DAMAGE.active}
  set trial_partition=${SAVED_OVER_DAMAGE.trial}
  set boot_attempts=${SAVED_OVER_DAMAGE.attempts}
  set good_a=1
  set good_b=0
  set failed_partition=none
  save_state ($root)/t/$file
  echo "S $file $can_save"
done
echo "CLOCK $SECOND"
echo DRIVER-END
`;
}

/** The line `row` prints for one row. */
export function expectedRow(
  name: string,
  state: BootState | undefined,
  conditions: Required<BootConditions>,
): string {
  const choice = selectBoot(state, conditions);
  return `D ${name} ${conditionName(conditions)} ${choice.slot} ${choice.mode} ${choice.attempt} ${choice.reason} ${nextText(choice)}`;
}

function nextText({ next }: BootChoice): string {
  if (!next) return '-';
  const { active, trial, attempts, good, failed } = next;
  return `${active} ${trial ?? 'none'} ${attempts} ${bit(good.A)} ${bit(good.B)} ${failed ?? 'none'}`;
}

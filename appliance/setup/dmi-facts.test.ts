import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { readDmiFacts } from './dmi-facts.ts';

function machine(fields: Record<string, string>): string {
  const root = makeFolder('dmi');
  const folder = join(root, 'sys/class/dmi/id');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(fields)) writeFileSync(join(folder, name), `${text}\n`);
  return root;
}

const UUID = '4c4c4544-0050-3110-8031-b4c04f4d4e32';

test('what only root may read of a machine is read once, for everyone', () => {
  const root = machine({
    ...{ product_serial: '8CC1', board_serial: 'PABC', chassis_serial: '8CC2' },
    product_uuid: UUID.toUpperCase(),
  });
  expect(readDmiFacts(root)).toEqual({
    serial: '8CC1',
    hardware: { board_serial: 'PABC', chassis_serial: '8CC2', product_uuid: UUID },
  });
});

test.each([
  ['', 'Default string', '00000000-0000-0000-0000-000000000000'],
  ['None', 'To be filled by O.E.M.', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
  ['Not Specified', '0000000', '03000200-0400-0500-0006-000700080009'],
])('what nobody set (%s, %s, %s) is not known', (board_serial, chassis_serial, product_uuid) => {
  expect(readDmiFacts(machine({ board_serial, chassis_serial, product_uuid }))).toEqual({
    serial: null,
    hardware: { board_serial: null, chassis_serial: null, product_uuid: null },
  });
});

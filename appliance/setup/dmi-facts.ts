import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RootHardware } from '../facts/setup-facts.ts';

/** What DMI tells root alone; null where the firmware has none. */
export interface DmiFacts {
  /** Serial number of the machine. */
  serial: string | null;
  hardware: RootHardware;
}

/** @param root '' for the running system, else a folder that stands for `/` */
export function readDmiFacts(root: string): DmiFacts {
  const field = (name: string): string | null => {
    try {
      const text = readFileSync(join(root, '/sys/class/dmi/id', name), 'utf8').trim();
      return NEVER_SET.test(text) ? null : text;
    } catch {
      // No such field, or no DMI at all.
      return null;
    }
  };
  return {
    serial: field('product_serial'),
    hardware: {
      board_serial: field('board_serial'),
      chassis_serial: field('chassis_serial'),
      product_uuid: field('product_uuid')?.toLowerCase() ?? null,
    },
  };
}

/** What firmware leaves where nobody set anything; of UUIDs all bits the same, and the one that a maker of firmware ships by the thousand. */
const NEVER_SET =
  /^(|none|not specified|to be filled.*|default string|0+|[0-]+|[f-]+|03000200-0400-0500-0006-000700080009)$/i;

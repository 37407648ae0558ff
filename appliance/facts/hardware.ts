import { readLine } from './fact-files.ts';

export interface HardwareFacts {
  product: string | null;
  vendor: string | null;
}

/** What board makers leave in DMI when nobody filled it in; showing it would be showing a default. */
const PLACEHOLDER =
  /^(to be filled by o\.?e\.?m\.?|default string|system (product name|manufacturer)|not specified|none|o\.?e\.?m\.?)$/i;

/** A field of DMI that everyone may read; null where it is missing or was never filled in. */
export function readDmi(sys: string, name: string): string | null {
  const text = readLine(`${sys}/class/dmi/id/${name}`);
  return text === null || PLACEHOLDER.test(text) ? null : text;
}

/** Identity of the machine from DMI. Serial numbers are readable by root only and come with the facts of the set-up. */
export function readHardware(sys: string): HardwareFacts {
  return { product: readDmi(sys, 'product_name'), vendor: readDmi(sys, 'sys_vendor') };
}

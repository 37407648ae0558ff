import { readLine } from './fact-files.ts';

export interface HardwareFacts {
  product: string | null;
  vendor: string | null;
}

/** What board makers leave in DMI when nobody filled it in; showing it would be showing a default. */
const PLACEHOLDER =
  /^(to be filled by o\.?e\.?m\.?|default string|system (product name|manufacturer)|not specified|none|o\.?e\.?m\.?)$/i;

/** Identity of the machine from DMI. The serial number is readable by root only and comes with the machine facts. */
export function readHardware(sys: string): HardwareFacts {
  const field = (name: string): string | null => {
    const text = readLine(`${sys}/class/dmi/id/${name}`);
    return text === null || PLACEHOLDER.test(text) ? null : text;
  };
  return { product: field('product_name'), vendor: field('sys_vendor') };
}

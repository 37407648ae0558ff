/** What the firmware says the machine is (SMBIOS type 1, as the kernel shows it in /sys/class/dmi/id). */
export interface Machine {
  vendor: string | null;
  product: string | null;
}

/**
 * Machines that images are made for. `name` is what the signed manifest of a release lists under `compatible`.
 * Compared without regard to case: firmware updates have changed it.
 */
export const LISTED_HARDWARE: readonly { name: string; what: string; vendor: RegExp; product: RegExp }[] = [
  {
    name: 'hp-t640',
    what: 'HP t640',
    vendor: /^(hp|hewlett-packard)\b/i,
    product: /^hp t640 thin client\b/i,
  },
  {
    name: 'hp-t740',
    what: 'HP t740',
    vendor: /^(hp|hewlett-packard)\b/i,
    product: /^hp t740 thin client\b/i,
  },
  { name: 'qemu', what: 'QEMU', vendor: /^qemu$/i, product: /./ },
];

/** The name of listed hardware; null for any other. */
export function hardwareName({ vendor, product }: Machine): string | null {
  const listed = LISTED_HARDWARE.find(
    (entry) => entry.vendor.test(vendor ?? '') && entry.product.test(product ?? ''),
  );
  return listed?.name ?? null;
}

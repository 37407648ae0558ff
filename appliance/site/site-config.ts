import { readFileSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { SITE_CONFIG_FILE } from '../../base/paths.ts';
import type { Config } from '../config/schema.ts';

/**
 * What the service of the site is told of the configuration. `bulkhead setup` writes it with each boot, for the service's user alone: the
 * configuration itself is not readable for it, and credentials of targets are for nobody else.
 */
export type SiteConfig = Pick<Config, 'sensors' | 'healing' | 'targets'>;

/** Of a configuration, as text for the file. */
export function siteConfigText({ sensors, healing, targets }: Config): string {
  return `${JSON.stringify({ sensors, healing, targets } satisfies SiteConfig)}\n`;
}

/** What holds where no configuration was handed over, on a workstation: it hears sensors, and touches nothing. */
const WORKSTATION: SiteConfig = { sensors: { enabled: true }, healing: { mode: 'dry_run' }, targets: [] };

/**
 * Root wrote it, from a configuration that was held to its schema.
 *
 * @param path null: there is none
 * @throws BulkheadError SITE_CONFIG
 */
export function readSiteConfig(path: string | null = SITE_CONFIG_FILE): SiteConfig {
  if (path === null) return WORKSTATION;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as SiteConfig;
  } catch (cause) {
    throw new BulkheadError('SITE_CONFIG', `cannot read ${path}`, {
      cause,
      hint: "'bulkhead setup' as root writes it anew; then restart bulkhead-site.service",
    });
  }
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';

/** Base addresses of the Debian archives that packages come from, without a slash at the end. */
export interface Mirror {
  main: string;
  security: string;
}

/**
 * The mirror this machine already trusts, or the one given by BULKHEAD_DEBIAN_MIRROR (and
 * BULKHEAD_DEBIAN_SECURITY_MIRROR). The project names none: whoever builds has one.
 *
 * @throws BulkheadError IMAGE_NO_MIRROR
 */
export function findMirror(environment: Record<string, string | undefined>, aptFolder = '/etc/apt'): Mirror {
  const uris = readSources(aptFolder);
  const main = environment['BULKHEAD_DEBIAN_MIRROR'] ?? uris.find((uri) => !/security/.test(uri));
  if (!main) {
    throw new BulkheadError('IMAGE_NO_MIRROR', `no Debian mirror is configured in ${aptFolder}`, {
      hint: 'set BULKHEAD_DEBIAN_MIRROR to the base address of one',
    });
  }
  const security =
    environment['BULKHEAD_DEBIAN_SECURITY_MIRROR'] ??
    uris.find((uri) => /security/.test(uri)) ??
    `${trim(main)}-security`;
  return { main: trim(main), security: trim(security) };
}

function readSources(folder: string): string[] {
  const files = [join(folder, 'sources.list')];
  const parts = join(folder, 'sources.list.d');
  if (existsSync(parts)) {
    for (const name of readdirSync(parts).sort())
      if (/\.(list|sources)$/.test(name)) files.push(join(parts, name));
  }
  const uris: string[] = [];
  for (const file of files) {
    if (!existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    for (const match of text.matchAll(/^(?:URIs:|deb(?:\s+\[[^\]]*\])?)\s+(https?:\/\/\S*debian\S*)/gm)) {
      if (match[1]) uris.push(match[1]);
    }
  }
  return uris;
}

function trim(uri: string): string {
  return uri.replace(/\/+$/, '');
}

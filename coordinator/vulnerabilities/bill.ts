import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { NAME_MAX, PARTS_MAX } from './limits.ts';

export type Ecosystem = 'debian' | 'npm';

/** A part of an image, by the name that feeds know it by. */
export interface Part {
  ecosystem: Ecosystem;
  /** Of Debian the source package. */
  name: string;
  version: string;
  /** Of Debian the code name of the suite; null: not said. */
  suite: string | null;
}

const Bill = t.Object({
  bomFormat: t.Literal('CycloneDX'),
  components: t.Array(t.Object({ purl: t.Optional(t.String({ maxLength: 2_000 })) }), {
    maxItems: PARTS_MAX,
  }),
});

/**
 * Reads a software bill of materials (CycloneDX, ECMA-424) as images carry one. Of parts that have no package URL of Debian or npm nothing
 * is known to any feed; they are counted and passed over.
 *
 * @throws BulkheadError SBOM_INVALID
 */
export function readBill(text: string): { parts: Part[]; passed_over: number } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid('it is no JSON', cause);
  }
  if (!Value.Check(Bill, value)) {
    const first = Value.Errors(Bill, value).First();
    throw invalid(`${first?.path || '/'}: ${first?.message ?? 'invalid'}`);
  }
  const parts = new Map<string, Part>();
  let passed_over = 0;
  for (const { purl = '' } of value.components) {
    const part = readPurl(purl);
    if (part) parts.set(`${part.ecosystem} ${part.name} ${part.version}`, part);
    else passed_over += 1;
  }
  return { parts: [...parts.values()], passed_over };
}

/** `pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie&upstream=glibc`, `pkg:npm/%40scope/name@1.2.3`. */
function readPurl(purl: string): Part | undefined {
  const [, type, path = '', encoded = '', query = ''] =
    /^pkg:(deb\/debian|npm)\/([^@?]+)@([^?#]+)(?:\?([^#]*))?/.exec(purl) ?? [];
  if (type === undefined) return undefined;
  const [name, version] = [decode(path), decode(encoded)];
  if (name === undefined || version === undefined) return undefined;
  if (name.length > NAME_MAX || version.length > NAME_MAX) return undefined;
  if (type === 'npm') return { ecosystem: 'npm', name, version, suite: null };
  const qualifiers = new URLSearchParams(query);
  return {
    ecosystem: 'debian',
    ...{ name: qualifiers.get('upstream') ?? name, suite: qualifiers.get('distro') },
    // A binary that was only built again has the version of its source with +bN behind it.
    version: version.replace(/\+b\d+$/, ''),
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const invalid = (why: string, cause?: unknown) =>
  new BulkheadError('SBOM_INVALID', `this is no bill of materials in CycloneDX: ${why}`, {
    hint: 'releases of npm run iso carry one',
    ...(cause === undefined ? {} : { cause }),
  });

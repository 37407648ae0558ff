import { BulkheadError } from '../../base/errors.ts';

/** What can be covered of a request. */
export interface SignableRequest {
  method: string;
  /** Host and, where it is not the scheme's own, port, as in the Host field. */
  authority: string;
  /** Path as it is sent, percent-encoded. */
  path: string;
  /** With its `?`; empty when there is none. */
  query: string;
  /** Value of a field, lines joined by a comma; null when the request has none. @param name in lower case */
  field(name: string): string | null;
}

/**
 * What is signed: one line per covered component and the signature's own parameters (RFC 9421 section 2.5).
 *
 * @param input the inner list with its parameters, as it stands in Signature-Input
 * @throws BulkheadError SIGNATURE_COMPONENT for a component that the request lacks or that is not known here
 */
export function signatureBase(
  request: SignableRequest,
  { components, text }: { components: readonly string[]; text: string },
): Uint8Array {
  if (new Set(components).size !== components.length)
    throw componentError('is covered twice', components.join(' '));
  const lines = components.map((name) => `"${name}": ${componentOf(request, name)}`);
  return new TextEncoder().encode([...lines, `"@signature-params": ${text}`].join('\n'));
}

/** RFC 9421 sections 2.1 and 2.2. */
function componentOf(request: SignableRequest, name: string): string {
  switch (name) {
    case '@method':
      return request.method;
    case '@authority':
      return request.authority.toLowerCase();
    case '@path':
      return request.path === '' ? '/' : request.path;
    case '@query':
      return request.query === '' ? '?' : request.query;
  }
  if (name.startsWith('@') || name !== name.toLowerCase()) throw componentError('is not known here', name);
  const value = request.field(name);
  if (value === null) throw componentError('is not in the request', name);
  return value.trim();
}

function componentError(what: string, name: string): BulkheadError {
  return new BulkheadError('SIGNATURE_COMPONENT', `the signature covers '${name}', which ${what}`);
}

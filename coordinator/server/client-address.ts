/**
 * Where a request came from: the other end of the connection, or, where that is a proxy that we were told of, what the proxy
 * says. Only the last address of X-Forwarded-For was written by it; everything before it the client may have made up.
 */
export function clientAddress(
  request: Request,
  connection: string | undefined,
  trusted_proxies: ReadonlySet<string>,
): string {
  const peer = (connection ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
  if (!trusted_proxies.has(peer)) return peer;
  return request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() || peer;
}

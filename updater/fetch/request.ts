/** How the servers of one source are told from others. */
export interface Trust {
  /** Certificates that are trusted instead of the system's, in PEM. */
  ca_pem: string | undefined;
}

export interface Answer {
  status: number;
  /** By their names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** The body as it arrives; null where there is none. */
  parts(): ReadableStream<Uint8Array> | null;
  /** The body when all of it is there, for one whose length was announced and is no surprise. */
  whole(): Promise<Uint8Array>;
}

/**
 * One GET, up to the head of its answer. A connection that was kept from an earlier request and that the server closed in
 * the meantime is no failure: the runtime sends the request again on another.
 *
 * The runtime's own `fetch` and not node:http: that takes 30 MB more for the same bytes, and half the processor again.
 *
 * @throws what the connection or the parser failed with
 */
export async function get(
  url: URL,
  headers: Record<string, string>,
  { ca_pem }: Trust,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted();
  const response = await fetch(url.href, {
    headers,
    signal,
    redirect: 'manual',
    // Positions in an encoded body are not those of the file.
    decompress: false,
    // Said out loud, because an environment variable can turn the default off.
    tls: { rejectUnauthorized: true, ...(ca_pem === undefined ? {} : { ca: ca_pem }) },
  });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    parts: () => response.body,
    whole: async () => new Uint8Array(await response.arrayBuffer()),
  };
}

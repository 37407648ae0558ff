import { type Agent as HttpAgent, type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { type Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { Body } from './body.ts';
import { HEAD_MAX_BYTES, INTERIM_ANSWERS_MAX } from './limits.ts';

/** Idle connections of one source, kept apart from those of others because their certificates are checked differently. */
export interface Agents {
  http: HttpAgent;
  https: HttpsAgent;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Body;
}

/**
 * One GET, up to the head of its answer. A connection that was kept from an earlier request and that the server closed in
 * the meantime is no failure: the request is sent again on another.
 *
 * @throws what the connection or the parser failed with
 */
export async function get(
  url: URL,
  headers: Record<string, string>,
  agents: Agents,
  signal: AbortSignal,
): Promise<Answer> {
  for (;;) {
    // A request that is aborted before it begins would open a connection and leave it.
    signal.throwIfAborted();
    const sent = send(url, headers, agents, signal);
    try {
      return await sent.answer;
    } catch (error) {
      if (!sent.wasIdle()) throw error;
    }
  }
}

function send(url: URL, headers: Record<string, string>, agents: Agents, signal: AbortSignal) {
  const options = { headers, signal, maxHeaderSize: HEAD_MAX_BYTES };
  const request =
    url.protocol === 'https:'
      ? requestHttps(url, { ...options, agent: agents.https })
      : requestHttp(url, { ...options, agent: agents.http });
  const answer = new Promise<Answer>((resolve, reject) => {
    let body: Body | undefined;
    let interim = 0;
    const fail = (error: Error) => {
      // An error behind the head belongs to the body, one before it to the request.
      body?.fail(error);
      reject(error);
    };
    request.on('information', () => {
      interim += 1;
      if (interim > INTERIM_ANSWERS_MAX) request.destroy(new Error('endless interim answers'));
    });
    request.on('upgrade', (_, socket) => {
      socket.destroy();
      fail(new Error('answered with another protocol'));
    });
    request.on('error', fail);
    // Behind the head it says nothing: a body that arrived whole may still wait for its reader.
    request.on('close', () => reject(new Error('closed without an answer')));
    request.on('response', (message) => {
      body = new Body(message);
      resolve({ status: message.statusCode ?? 0, headers: message.headers, body });
    });
    request.end();
  });
  return { answer, wasIdle: () => request.reusedSocket };
}

import { createHash } from 'node:crypto';
import type { Sender } from './authenticate.ts';
import type { SensorKeys } from './keys.ts';

/** Where the signature of an answer stands. */
const ANSWER_HEADER = 'bulkhead-answer';

/**
 * What a sensor that signs is answered is signed by the same key, over the nonce of the very request: the port speaks plain HTTP, and who
 * can change what travels could otherwise give commands, and take events for recorded that never came.
 */
export async function signAnswer(
  response: Response,
  { sensor, nonce }: Sender,
  keys: Pick<SensorKeys, 'sign'>,
): Promise<Response> {
  if (nonce === null) return response;
  const body = new Uint8Array(await response.arrayBuffer());
  const hash = createHash('sha256').update(body).digest('hex');
  const signature = keys.sign(sensor.id, `answer\n${nonce}\n${response.status}\n${hash}`);
  const signed = new Response(body, response);
  if (signature !== null) signed.headers.set(ANSWER_HEADER, signature);
  return signed;
}

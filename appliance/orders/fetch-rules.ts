import { BulkheadError, describeError } from '../../base/errors.ts';
import { RULES_ANSWER_MAX_BYTES, RULES_TIMEOUT_MS } from './limits.ts';

/**
 * The rules that the coordinator has published, in their envelope. They are no secret, and it is their signature that counts: the
 * request carries nothing of this appliance.
 *
 * @param ca_pem authorities instead of those that the program knows
 * @throws BulkheadError ORDER_NO_RULES, ORDER_RULES_UNREACHABLE
 */
export async function fetchRules(coordinator: URL, ca_pem: string | null): Promise<unknown> {
  const url = `${coordinator.origin}${coordinator.pathname.replace(/\/$/, '')}/agent/rules`;
  try {
    const response = await fetch(url, {
      ...{ redirect: 'manual', signal: AbortSignal.timeout(RULES_TIMEOUT_MS) },
      tls: { rejectUnauthorized: true, ...(ca_pem === null ? {} : { ca: ca_pem }) },
    });
    if (response.status === 404)
      throw new BulkheadError('ORDER_NO_RULES', 'the coordinator has published no rules', {
        hint: 'bulkhead-coordinator rules publish FILE',
      });
    if (response.status !== 200) throw new Error(`it answers ${response.status}`);
    const chunks: Uint8Array[] = [];
    let size_bytes = 0;
    for await (const chunk of response.body ?? []) {
      size_bytes += chunk.length;
      if (size_bytes > RULES_ANSWER_MAX_BYTES)
        throw new Error(`more than ${RULES_ANSWER_MAX_BYTES} bytes come`);
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError('ORDER_RULES_UNREACHABLE', `no rules come from ${url}: ${describeError(cause)}`, {
      cause,
    });
  }
}

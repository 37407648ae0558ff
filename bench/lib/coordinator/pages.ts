import { BulkheadError } from '../../../base/errors.ts';
import { round } from '../statistics.ts';
import { quantile } from './load.ts';
import type { SizeResult } from './results.ts';
import type { BenchServer } from './server.ts';

/** Ways to look at a fleet that an operator takes. */
const PAGES: readonly (readonly [name: string, path: string])[] = [
  ['first page of the fleet', '/'],
  ['search by serial number', '/?search=SIM12'],
  ['query by a tag that a third has', `/?cohort=${encodeURIComponent('tag.site eq "ulm"')}`],
  ['query by a fact that nobody has', `/?cohort=${encodeURIComponent('fact.cpu_cores gt 64')}`],
];

/** Between two pages: an address may ask for fifty in a second (API_REFILL_PER_S). */
const PAUSE_MS = 20;

/** Pages as a browser asks for them, one after the other. @throws BulkheadError BENCH_PAGE */
export async function measurePages(server: BenchServer, samples: number): Promise<SizeResult['pages']> {
  const base = `http://127.0.0.1:${server.port}`;
  const signedIn = await fetch(`${base}/api/v1/session`, {
    ...{ method: 'POST', body: JSON.stringify({ code: server.code }) },
    headers: { 'content-type': 'application/json' },
  });
  const { token } = (await signedIn.json()) as { token?: string };
  const headers = { accept: 'text/html', cookie: `bulkhead_session=${token}` };
  const pages: SizeResult['pages'] = [];
  for (const [name, path] of PAGES) {
    const times = new Float64Array(samples);
    for (let at = 0; at < samples; at += 1) {
      const asked_ms = performance.now();
      const answer = await fetch(base + path, { headers, redirect: 'manual' });
      await answer.text();
      times[at] = performance.now() - asked_ms;
      if (answer.status !== 200)
        throw new BulkheadError('BENCH_PAGE', `${path} was answered ${answer.status}`);
      await Bun.sleep(PAUSE_MS);
    }
    times.sort();
    pages.push({
      ...{ name, samples, median_ms: round(quantile(times, 0.5), 2) },
      p99_ms: round(quantile(times, 0.99), 2),
    });
  }
  return pages;
}

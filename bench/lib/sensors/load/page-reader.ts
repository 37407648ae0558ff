import { READ_PAUSE_MS, READ_TIMEOUT_MS } from './limits.ts';

/** Somebody who reads pages, in a thread of its own: what the load does to the thread that makes it is not counted as the page's. */
export interface PageReader {
  /** Milliseconds until each page was there, in no order. @throws where a page was not answered as it should be */
  stop(): Promise<Float64Array>;
}

type Told = { latencies_ms: number[]; fault: string | null };

/** @param urls are read in turn, again and again */
export function readPages(urls: readonly string[]): PageReader {
  const worker = new Worker(import.meta.url);
  worker.postMessage(urls);
  return {
    async stop() {
      const told = await new Promise<Told>((resolve) => {
        worker.onmessage = ({ data }: MessageEvent<Told>) => resolve(data);
        worker.postMessage('stop');
      });
      worker.terminate();
      if (told.fault !== null) throw new Error(told.fault);
      return Float64Array.from(told.latencies_ms);
    },
  };
}

declare const self: Worker;

if (!Bun.isMainThread) {
  const latencies_ms: number[] = [];
  let fault: string | null = null;
  let stopped = false;
  const read = async (url: string) => {
    const begun_ms = performance.now();
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
      await response.text();
      // 503: the page of a service that is just being started again says so.
      if (response.status !== 200 && response.status !== 503) fault ??= `${url} answered ${response.status}`;
    } catch (error) {
      fault ??= `${url}: ${error}`;
    }
    latencies_ms.push(performance.now() - begun_ms);
  };
  const readOn = async (urls: readonly string[]) => {
    while (!stopped)
      for (const url of urls) {
        await read(url);
        await Bun.sleep(READ_PAUSE_MS);
      }
    self.postMessage({ latencies_ms, fault } satisfies Told);
  };
  self.onmessage = ({ data }: MessageEvent<'stop' | string[]>) => {
    if (data === 'stop') stopped = true;
    else void readOn(data);
  };
}

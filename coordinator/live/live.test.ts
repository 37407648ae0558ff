import { getLogger } from '@logtape/logtape';
import { afterEach, describe, expect, test } from 'vitest';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { startLab, stopLabs } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';
import { recordDeed } from '../audit/log.ts';
import { unitOfWork } from '../database/unit-of-work.ts';
import { STOP_GRACE_MS } from '../limits.ts';
import { createLiveHub, type LiveHub } from './hub.ts';
import { SESSION_STREAMS_MAX } from './limits.ts';
import { newConcerns, readPulse } from './pulse.ts';

const backends = openBackends();
const FAST = { interval_ms: 10, heartbeat_ms: 100, life_ms: 60_000 };
const PATIENT = { timeout: 5000 };

/** What a stream has said so far. */
function listen(stream: ReadableStream<Uint8Array>) {
  const heard = { text: '', ended: false };
  (async () => {
    for await (const part of stream) heard.text += Buffer.from(part).toString();
    heard.ended = true;
  })().catch(() => {
    // Cut off: that it did not end is what a test sees.
  });
  return heard;
}

describe.each(BACKENDS)('on %s', (backend) => {
  const hubs: LiveHub[] = [];
  afterEach(async () => {
    for (const hub of hubs.splice(0)) await hub.close();
  });
  const make = async (times = FAST) => {
    const opened = await backends.open(backend);
    let time_ms = 1_700_000_000_000;
    const now_ms = () => time_ms;
    const coordinator = { database: opened.database, now_ms, log: getLogger(['live']) };
    const hub = createLiveHub(coordinator, times);
    hubs.push(hub);
    const act = () =>
      unitOfWork(opened)((work) =>
        recordDeed(work, time_ms, { actor: 'test', action: 'test', subject: 'test' }),
      );
    const wait = (duration_ms: number) => {
      time_ms += duration_ms;
    };
    return { hub, act, wait, coordinator };
  };

  test('a page hears of what concerns it, and of nothing else', async () => {
    const { hub, act, wait } = await make();
    const deeds = listen(hub.open('a', new Set(['deeds'])));
    const plans = listen(hub.open('a', new Set(['plans'])));
    const time = listen(hub.open('a', new Set(['time'])));
    await expect.poll(() => plans.text, PATIENT).toContain(': still here');
    expect(deeds.text).not.toContain('changed');
    await act();
    await expect.poll(() => deeds.text, PATIENT).toContain('event: changed\ndata:\n\n');
    wait(60_000);
    await expect.poll(() => time.text, PATIENT).toContain('event: changed');
    expect(plans.text).not.toContain('changed');
    expect(plans.text).toMatch(/^retry: \d+\n\n/);
  });

  test('what happened is told by the next look, whoever wrote it', async () => {
    const { act, coordinator } = await make();
    const before = await readPulse(coordinator);
    expect(newConcerns(before, await readPulse(coordinator))).toEqual([]);
    await act();
    expect(newConcerns(before, await readPulse(coordinator))).toEqual(['deeds']);
  });

  test('one session has so many streams, and one that is closed makes room', async () => {
    const { hub } = await make();
    const streams = Array.from({ length: SESSION_STREAMS_MAX }, () => hub.open('a', new Set(['deeds'])));
    expect(() => hub.open('a', new Set(['deeds']))).toThrow(
      expect.objectContaining({ code: 'LIVE_STREAMS_FULL' }),
    );
    hub.open('b', new Set(['deeds']));
    await streams[0]?.cancel();
    hub.open('a', new Set(['deeds']));
  });

  test('a stream ends after its time, and all of them when the hub is closed', async () => {
    const short = await make({ ...FAST, life_ms: 50 });
    const old = listen(short.hub.open('a', new Set(['deeds'])));
    await expect.poll(() => old.ended, PATIENT).toBe(true);
    const { hub } = await make();
    const heard = listen(hub.open('a', new Set(['deeds'])));
    await hub.close();
    await expect.poll(() => heard.ended, PATIENT).toBe(true);
    expect(() => hub.open('a', new Set(['deeds']))).toThrow(
      expect.objectContaining({ code: 'LIVE_STREAMS_FULL' }),
    );
  });

  test('a browser that takes nothing is cut off, and holds up nobody', async () => {
    const { hub, act } = await make({ ...FAST, heartbeat_ms: 1 });
    const slow = hub.open('slow', new Set(['deeds']));
    const quick = listen(hub.open('quick', new Set(['deeds'])));
    await expect.poll(() => quick.text.split('still here').length, PATIENT).toBeGreaterThan(15);
    await act();
    await expect.poll(() => quick.text, PATIENT).toContain('changed');
    await expect(
      (async () => {
        for await (const _ of slow);
      })(),
    ).rejects.toThrow('does not keep up');
  });
});

describe('over the line', () => {
  test('a page that is open learns of an appliance that was let in; a stranger learns nothing', async () => {
    const lab = await startLab();
    const stranger = await fetch(`${lab.url}/live?of=deeds`, { redirect: 'manual' });
    expect([stranger.status, stranger.headers.get('location')]).toEqual([
      303,
      '/sign-in?to=%2Flive%3Fof%3Ddeeds',
    ]);
    const cookie = `bulkhead_session=${await lab.admin()}`;
    expect((await fetch(`${lab.url}/live?of=secrets`, { headers: { cookie } })).status).toBe(400);
    const response = await fetch(`${lab.url}/live?of=deeds`, { headers: { cookie } });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const heard = listen(response.body ?? expect.fail());
    await expect.poll(() => heard.text, PATIENT).toContain('retry');
    await Bun.sleep(100);
    await approvedDevice(lab);
    await expect.poll(() => heard.text, { timeout: 8000 }).toContain('event: changed');
    const began_ms = performance.now();
    await stopLabs();
    expect(performance.now() - began_ms).toBeLessThan(STOP_GRACE_MS);
    await expect.poll(() => heard.ended, PATIENT).toBe(true);
  });
});

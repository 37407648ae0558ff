import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Run, run, runOrThrow } from '../../../base/run.ts';
import type { ConnectOutcome, ProbeAnswer, ProbeRequest } from './probe-protocol.ts';

/**
 * Two real hosts for tests: network namespaces joined by a veth pair, with nothing else attached, so that no packet of a
 * test leaves them. Needs root and Debian's iproute2. On a machine that filters in the kernel, this is the kernel's own filter.
 */
export interface NetworkLab {
  appliance: LabHost;
  lan: LabHost;
  /** Removes everything; also after a failure half way. */
  close(): Promise<void>;
}

export interface LabHost {
  /** name of the network namespace */
  name: string;
  /** runs a program inside */
  run: Run;
  /** starts a program inside that goes on running until the lab is closed */
  spawn(program: string, args: readonly string[]): Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  /** asks the probe process inside */
  ask(request: ProbeRequest): Promise<unknown>;
  connect(host: string, port: number, timeout_ms?: number): Promise<ConnectOutcome>;
  /** whether one ping is answered within a second */
  ping(host: string): Promise<boolean>;
  /**
   * The UDP texts that reached this host and match, each as `port text`. Waits until there are `count`; for 0, long enough
   * to know that none comes.
   */
  received(pattern: RegExp, count: number): Promise<string[]>;
}

/** Documentation addresses (RFC 5737, RFC 3849): they mean nothing anywhere else. */
export const APPLIANCE_IPV4 = '192.0.2.10';
export const APPLIANCE_IPV6 = '2001:db8::10';
export const LAN_IPV4 = '192.0.2.1';
export const LAN_IPV6 = '2001:db8::1';
export const LAB_INTERFACE = 'eth0';

/** A dropped packet is known by silence; on a veth pair an answer takes well under a millisecond. */
export const PROBE_TIMEOUT_MS = 700;

const PREFIX = 'bhfw';
const NAMESPACE_FOLDER = '/run/netns';

export async function startNetworkLab(): Promise<NetworkLab> {
  await removeLeftOvers();
  const id = `${PREFIX}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const children: Bun.Subprocess[] = [];
  const names = [`${id}-box`, `${id}-lan`] as const;
  const close = async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => child.exited));
    for (const name of names) await run('ip', ['netns', 'del', name]);
  };
  try {
    for (const name of names) await runOrThrow(run, 'ip', ['netns', 'add', name]);
    const [box, lan] = names;
    await runOrThrow(run, 'ip', [
      ...['-n', box, 'link', 'add', LAB_INTERFACE, 'type', 'veth'],
      ...['peer', 'name', LAB_INTERFACE, 'netns', lan],
    ]);
    await address(box, APPLIANCE_IPV4, APPLIANCE_IPV6);
    await address(lan, LAN_IPV4, LAN_IPV6);
    return { appliance: host(box, children), lan: host(lan, children), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function address(name: string, ipv4: string, ipv6: string): Promise<void> {
  // Without duplicate address detection, IPv6 addresses are there at once instead of after a second.
  await runOrThrow(run, 'ip', [
    ...['netns', 'exec', name, 'sh', '-c'],
    `for i in all default ${LAB_INTERFACE}; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done`,
  ]);
  const commands = [
    'link set lo up',
    `link set ${LAB_INTERFACE} up`,
    `address add ${ipv4}/24 broadcast + dev ${LAB_INTERFACE}`,
    `address add ${ipv6}/64 dev ${LAB_INTERFACE} nodad`,
    // For 255.255.255.255 only: the other end answers for nothing but its own addresses.
    `route add default dev ${LAB_INTERFACE}`,
  ];
  for (const command of commands) await runOrThrow(run, 'ip', ['-n', name, ...command.split(' ')]);
}

function host(name: string, children: Bun.Subprocess[]): LabHost {
  const inside = ['ip', 'netns', 'exec', name];
  let probe: LabHost['ask'] | undefined;
  const ask: LabHost['ask'] = (request) => {
    probe ??= startProbe(inside, children);
    return probe(request);
  };
  return {
    name,
    run: (program, args, options) => run('ip', ['netns', 'exec', name, program, ...args], options),
    spawn(program, args) {
      const child = Bun.spawn([...inside, program, ...args], {
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      });
      children.push(child);
      return child;
    },
    ask,
    connect: async (to, port, timeout_ms = PROBE_TIMEOUT_MS) =>
      (await ask({ op: 'tcp-connect', host: to, port, timeout_ms })) as ConnectOutcome,
    ping: async (to) => {
      const one = ['netns', 'exec', name, 'busybox', 'ping', '-c', '1', '-W', '1', to];
      return (await run('ip', one)).code === 0;
    },
    received: async (pattern, count) => {
      const deadline = performance.now() + (count === 0 ? 300 : 3000);
      for (;;) {
        const all = (await ask({ op: 'udp-received' })) as string[];
        const texts = all.filter((text) => pattern.test(text));
        if ((count > 0 && texts.length >= count) || performance.now() > deadline) return texts;
        await Bun.sleep(50);
      }
    },
  };
}

function startProbe(inside: readonly string[], children: Bun.Subprocess[]): LabHost['ask'] {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'probe-process.ts');
  const child = Bun.spawn([...inside, process.execPath, script], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  children.push(child);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  void (async () => {
    for await (const line of lines(child.stdout)) {
      const answer = JSON.parse(line) as ProbeAnswer;
      const promise = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('error' in answer) promise?.reject(new Error(answer.error));
      else promise?.resolve(answer.value);
    }
    for (const promise of waiting.values()) promise.reject(new Error('the probe process ended'));
  })();
  let nextId = 0;
  return (request) => {
    nextId += 1;
    const promise = Promise.withResolvers<unknown>();
    waiting.set(nextId, promise);
    child.stdin.write(`${JSON.stringify({ ...request, id: nextId })}\n`);
    child.stdin.flush();
    return promise.promise;
  };
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    const complete = rest.split('\n');
    rest = complete.pop() ?? '';
    yield* complete;
  }
}

/** Namespaces of test runs that were killed before they could clean up: those whose process is gone. */
async function removeLeftOvers(): Promise<void> {
  if (!existsSync(NAMESPACE_FOLDER)) return;
  for (const name of readdirSync(NAMESPACE_FOLDER)) {
    const [prefix, pid] = name.split('-');
    if (prefix === PREFIX && pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await run('ip', ['netns', 'del', name]);
    }
  }
}

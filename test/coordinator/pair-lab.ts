import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { PairGreeting, PairTask } from './pair-process.ts';

/** Requests between one kill and the next, and how long after a request has come in its coordinator dies: in the middle of it, or just behind. */
const REQUESTS_BETWEEN = { min: 10, max: 30 };
const DIES_WITHIN_MS = 25;
/** Of those that die, so many have done what they were asked, and could not say so any more. */
const ANSWER_LOST_SHARE = 0.5;
/** Of what appliances say beside heartbeats, so many answers are lost on the way while it goes on: it is done, and said again. */
const LINE_LOSES_SHARE = 0.25;
/** A heartbeat that is lost is little: so often another request is waited for. */
const HEARTBEAT_SPARED_SHARE = 0.8;

/** Two coordinators as processes of their own on one PostgreSQL, behind one address that gives requests to the one and the other. */
export interface PairLab {
  /** Where appliances and workers ask. */
  url: URL;
  /** Signs the first administrator in. */
  code: string;
  /** From now on one of the two is killed in the middle of what it does and started anew, so many times; and the line loses answers. */
  beginKilling(times: number): void;
  /** How many are still to be killed. */
  doomed(): number;
  /** Resolves when both are there and stay there, and the line is good. */
  endKilling(): Promise<void>;
  /** Moves the clock of both. */
  wait(duration_ms: number): void;
}

/** Where a request goes. */
interface Target {
  url: string;
  /** Told when the answer has come, which is not passed on. */
  lost?: () => void;
}

interface Member {
  child: Bun.Subprocess;
  greeting: PairGreeting;
}

/** @param place what `BACKENDS` has for PostgreSQL */
export async function startPair(place: { data: string; url?: string | undefined }): Promise<PairLab> {
  const clock = join(place.data, 'clock');
  let ahead_ms = 0;
  const setClock = () => {
    // In one piece: both read it all the time.
    writeFileSync(`${clock}.new`, String(ahead_ms));
    renameSync(`${clock}.new`, clock);
  };
  setClock();
  let members: Member[] = [];
  let doomed = 0;
  let isBad = false;
  let left = 0;
  let replacing: Promise<void> | undefined;
  const start = () => startMember({ ...taskOf(place), url: `http://localhost:${port}`, clock });
  const replace = async (member: Member, dies: Promise<void>) => {
    await dies;
    members = members.filter((other) => other !== member);
    member.child.kill('SIGKILL');
    await member.child.exited;
    doomed = Math.max(0, doomed - 1);
    members.push(await start());
    left = draw(REQUESTS_BETWEEN);
    replacing = undefined;
  };
  let turn = 0;
  const next = (path: string): Target | undefined => {
    turn += 1;
    const member = members[turn % Math.max(1, members.length)];
    if (!member) return undefined;
    const { url } = member.greeting;
    const isReport = path.startsWith('/agent/') && path !== '/agent/heartbeat';
    if (isBad && isReport && Math.random() < LINE_LOSES_SHARE) return { url, lost: () => {} };
    left -= 1;
    if (doomed === 0 || replacing || left > 0) return { url };
    if (path === '/agent/heartbeat' && Math.random() < HEARTBEAT_SPARED_SHARE) return { url };
    if (Math.random() > ANSWER_LOST_SHARE) {
      replacing = replace(member, Bun.sleep(Math.random() * DIES_WITHIN_MS));
      return { url };
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    replacing = replace(member, promise);
    return { url, lost: resolve };
  };
  const { port, close } = await openFront(next);
  onTestFinished(async () => {
    doomed = 0;
    await replacing;
    await close();
    for (const { child } of members) child.kill('SIGKILL');
  });
  members = await Promise.all([start(), start()]);
  return {
    ...{ url: new URL(`http://localhost:${port}`), code: members[0]?.greeting.sign_in?.code ?? '' },
    beginKilling(times) {
      left = draw(REQUESTS_BETWEEN);
      doomed = times;
      isBad = true;
    },
    async endKilling() {
      doomed = 0;
      isBad = false;
      await replacing;
    },
    doomed: () => doomed,
    wait(duration_ms) {
      ahead_ms += duration_ms;
      setClock();
    },
  };
}

const draw = ({ min, max }: { min: number; max: number }) => Math.floor(min + Math.random() * (max - min));

function taskOf({ data, url }: { data: string; url?: string | undefined }) {
  if (url === undefined) throw new Error('only PostgreSQL can be shared');
  return { data, database_url: url };
}

async function startMember(task: PairTask): Promise<Member> {
  const { PATH = '', TMPDIR = '/tmp' } = process.env;
  const child = Bun.spawn([process.execPath, join(import.meta.dirname, 'pair-process.ts')], {
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
    env: { PATH, TMPDIR, PAIR_TASK: JSON.stringify(task) },
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    if (said.endsWith('}\n')) return { child, greeting: JSON.parse(said) as PairGreeting };
  }
  throw new Error(`a coordinator did not start: ${said}`);
}

/** Passes requests on as they come, and breaks the connection where no answer comes: it does not ask twice. */
async function openFront(next: (path: string) => Target | undefined) {
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const target = next(request.url ?? '/');
    if (target === undefined) return void request.socket.destroy();
    const answer = await fetch(`${target.url}${request.url}`, {
      ...{ method: request.method ?? 'GET', redirect: 'manual', keepalive: false },
      headers: Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
        typeof value === 'string' && name !== 'connection' ? [[name, value]] : [],
      ),
      ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
    }).finally(target.lost);
    const body = new Uint8Array(await answer.arrayBuffer());
    if (target.lost) return void request.socket.destroy();
    const fields = Object.fromEntries(answer.headers);
    // What was packed is not any more, and what was in pieces is in one.
    for (const name of ['content-encoding', 'transfer-encoding', 'content-length']) delete fields[name];
    response.writeHead(answer.status, { ...fields, 'content-length': body.length });
    response.end(body);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

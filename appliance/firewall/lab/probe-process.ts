import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import type { ConnectOutcome, ProbeAnswer, ProbeMessage, ProbeRequest } from './probe-protocol.ts';

/**
 * Real sockets inside a network namespace, steered by lines on standard input (probe-protocol.ts); ends with its input.
 * Started by network-lab.ts with `ip netns exec`.
 */
const held = new Map<string, Socket>();
const udpSockets = new Map<string, UdpSocket>();
const received: string[] = [];

for await (const line of console) {
  const message = JSON.parse(line) as ProbeMessage;
  // Not awaited: probes run side by side, a time-out of one holds up no other.
  void answer(message);
}
process.exit(0);

async function answer(message: ProbeMessage): Promise<void> {
  let result: ProbeAnswer;
  try {
    result = { id: message.id, value: await perform(message) };
  } catch (error) {
    result = { id: message.id, error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function perform(request: ProbeRequest): Promise<unknown> {
  switch (request.op) {
    case 'tcp-listen':
      return tcpListen(request.port);
    case 'tcp-connect':
      return tcpConnect(request.host, request.port, request.timeout_ms).then(({ outcome, socket }) => {
        socket?.destroy();
        return outcome;
      });
    case 'tcp-hold':
      return tcpConnect(request.host, request.port, request.timeout_ms, request.from).then(
        ({ outcome, socket }) => {
          if (socket) held.set(request.name, socket);
          return outcome;
        },
      );
    case 'tcp-release':
      held.get(request.name)?.destroy();
      return Promise.resolve(held.delete(request.name));
    case 'tcp-echo':
      return tcpEcho(request.name, request.text, request.timeout_ms);
    case 'udp-listen':
      return udpListen(request.address, request.port, request.group);
    case 'udp-send':
      return udpSend(request);
    case 'udp-received':
      return Promise.resolve(received);
  }
}

/** Answers on IPv4 and IPv6 with an echo. */
function tcpListen(port: number): Promise<true> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('data', (data) => socket.write(data));
      socket.on('error', () => socket.destroy());
    });
    server.on('error', reject);
    server.listen(port, '::', () => resolve(true));
  });
}

function tcpConnect(
  host: string,
  port: number,
  timeout_ms: number,
  from?: string,
): Promise<{ outcome: ConnectOutcome; socket?: Socket }> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ...(from === undefined ? {} : { localAddress: from }) });
    const fail = (outcome: ConnectOutcome) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ outcome });
    };
    // A second, short timer: on a machine so busy that this process stood still, an answer that has long been there
    // is handled before it, and is not taken for a time-out.
    let timer = setTimeout(() => {
      timer = setTimeout(() => fail('timeout'), 50);
    }, timeout_ms);
    socket.on('connect', () => {
      clearTimeout(timer);
      resolve({ outcome: 'open', socket });
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ECONNREFUSED' ? 'refused' : 'error'),
    );
  });
}

function tcpEcho(name: string, text: string, timeout_ms: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = held.get(name);
    if (socket === undefined) throw new Error(`no connection is held as '${name}'`);
    const timer = setTimeout(() => resolve('timeout'), timeout_ms);
    socket.once('data', (data) => {
      clearTimeout(timer);
      resolve(data.toString());
    });
    socket.write(text, (error) => error && reject(error));
  });
}

function udpOpen(address: string, port: number): Promise<UdpSocket> {
  const key = `${address} ${port}`;
  const open = port === 0 ? undefined : udpSockets.get(key);
  if (open !== undefined) return Promise.resolve(open);
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: address.includes(':') ? 'udp6' : 'udp4',
      reuseAddr: true,
    });
    socket.on('error', reject);
    socket.on('message', (data) => received.push(`${port} ${data.toString()}`));
    socket.bind(port, address, () => {
      if (port !== 0) udpSockets.set(key, socket);
      resolve(socket);
    });
  });
}

async function udpListen(
  address: string,
  port: number,
  group?: { address: string; interface: string },
): Promise<true> {
  const socket = await udpOpen(address, port);
  if (group) socket.addMembership(group.address, group.interface);
  return true;
}

async function udpSend(request: Extract<ProbeRequest, { op: 'udp-send' }>): Promise<string> {
  const socket = await udpOpen(request.from.address, request.from.port);
  if (request.broadcast) socket.setBroadcast(true);
  if (request.multicastInterface) socket.setMulticastInterface(request.multicastInterface);
  return new Promise((resolve) => {
    socket.send(request.text, request.to.port, request.to.address, (error) => {
      if (request.from.port === 0) socket.close();
      // Dropped on the way out shows as EPERM here: an answer, not a fault of the probe.
      resolve(error ? String((error as NodeJS.ErrnoException).code ?? error.message) : 'sent');
    });
  });
}

import { dlopen } from 'bun:ffi';

/** A real NOTIFY_SOCKET for tests: the other end of sd_notify(3). */
export interface NotifyReceiver {
  /** Every message so far, oldest first. */
  messages: string[];
  /** Resolves with the first message (also an earlier one) that contains the text; rejects after the deadline. */
  waitFor(text: string, timeout_ms?: number): Promise<string>;
  close(): void;
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** Opens a Unix datagram socket at `path`. Bun has none of its own, so this calls the C library, as only a test may. */
export function openNotifyReceiver(path: string): NotifyReceiver {
  const libc = dlopen('libc.so.6', {
    socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    bind: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
    recv: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i64' },
    close: { args: ['i32'], returns: 'i32' },
  });
  const { socket, bind, recv, close } = libc.symbols;
  const file = socket(AF_UNIX, SOCK_DGRAM, 0);
  // struct sockaddr_un: family, then the path with its NUL.
  const address = new Uint8Array([AF_UNIX, 0, ...new TextEncoder().encode(path), 0]);
  if (file < 0 || bind(file, address, address.length) !== 0) throw new Error(`cannot bind ${path}`);

  const messages: string[] = [];
  const buffer = new Uint8Array(4096);
  // A file descriptor that comes along (BARRIER=1) is closed by the kernel, because nothing here takes it: that is the answer
  // systemd-notify waits for.
  const timer = setInterval(() => {
    for (;;) {
      const got_bytes = Number(recv(file, buffer, buffer.length, MSG_DONTWAIT));
      if (got_bytes <= 0) return;
      messages.push(new TextDecoder().decode(buffer.subarray(0, got_bytes)));
    }
  }, 10);
  return {
    messages,
    async waitFor(text, timeout_ms = 5_000) {
      const end_ms = performance.now() + timeout_ms;
      for (;;) {
        const found = messages.find((message) => message.includes(text));
        if (found !== undefined) return found;
        if (performance.now() > end_ms)
          throw new Error(`no '${text}' within ${timeout_ms} ms, but ${JSON.stringify(messages)}`);
        await Bun.sleep(20);
      }
    },
    close() {
      clearInterval(timer);
      close(file);
      libc.close();
    },
  };
}

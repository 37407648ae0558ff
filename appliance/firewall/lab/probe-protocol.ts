/** What a test may ask of the process that lives inside a network namespace; one JSON object per line each way. */
export type ProbeRequest =
  | { op: 'tcp-listen'; port: number }
  | { op: 'tcp-connect'; host: string; port: number; timeout_ms: number }
  /** keeps a connection open under `name`; `from`: an address of this host */
  | { op: 'tcp-hold'; name: string; host: string; port: number; timeout_ms: number; from?: string }
  /** ends what is held under `name` */
  | { op: 'tcp-release'; name: string }
  /** sends a text over a held connection and waits for its echo */
  | { op: 'tcp-echo'; name: string; text: string; timeout_ms: number }
  | { op: 'udp-listen'; address: string; port: number; group?: { address: string; interface: string } }
  | {
      op: 'udp-send';
      /** address and port to send from; port 0: any */
      from: { address: string; port: number };
      to: { address: string; port: number };
      text: string;
      broadcast?: boolean;
      multicastInterface?: string;
    }
  /** the texts that have arrived at any listener of this process, each as `port text` */
  | { op: 'udp-received' };

/** How an attempt to connect ended: `timeout` is what a dropped packet looks like. */
export type ConnectOutcome = 'open' | 'timeout' | 'refused' | 'error';

export type ProbeMessage = ProbeRequest & { id: number };
export type ProbeAnswer = { id: number; value: unknown } | { id: number; error: string };

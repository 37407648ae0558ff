/** Looks through a capture of QEMU's filter-dump: classic pcap of Ethernet frames (https://wiki.wireshark.org/Development/LibpcapFileFormat). */

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
const MAGIC = 0xa1b2c3d4;

export interface Packet {
  protocol: 'tcp' | 'udp' | 'icmpv6';
  /** IPv4 with dots; IPv6 as 32 hex digits. */
  source: string;
  destination: string;
  /** 0 where the protocol has none. */
  sourcePort: number;
  destinationPort: number;
  /** A TCP connection is being opened: SYN without ACK. */
  opens: boolean;
  /** Type of an ICMPv6 message, else 0. */
  icmpType: number;
}

/** Everything that is TCP, UDP or ICMPv6, in its order. A record that QEMU has not finished writing ends the list. */
export function readPackets(capture: Uint8Array): Packet[] {
  const view = new DataView(capture.buffer, capture.byteOffset, capture.byteLength);
  if (capture.length < FILE_HEADER_BYTES || view.getUint32(0, true) !== MAGIC)
    throw new Error('this is no pcap file');
  const packets: Packet[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= capture.length; ) {
    const end = at + RECORD_HEADER_BYTES + view.getUint32(at + 8, true);
    if (end > capture.length) break;
    const packet = packetOf(capture.subarray(at + RECORD_HEADER_BYTES, end));
    if (packet) packets.push(packet);
    at = end;
  }
  return packets;
}

function packetOf(frame: Uint8Array): Packet | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < ETHERNET_BYTES + 40) return undefined;
  const ip = frame.subarray(ETHERNET_BYTES);
  switch (view.getUint16(12)) {
    case 0x0800: {
      const header_bytes = ((ip[0] ?? 0) & 0x0f) * 4;
      return transport(
        ip[9] ?? 0,
        dotted(ip.subarray(12, 16)),
        dotted(ip.subarray(16, 20)),
        ip.subarray(header_bytes),
      );
    }
    case 0x86dd:
      return transport(ip[6] ?? 0, hex(ip.subarray(8, 24)), hex(ip.subarray(24, 40)), ip.subarray(40));
    default:
      return undefined;
  }
}

const PROTOCOLS: Record<number, Packet['protocol']> = { 6: 'tcp', 17: 'udp', 58: 'icmpv6' };

function transport(
  number: number,
  source: string,
  destination: string,
  body: Uint8Array,
): Packet | undefined {
  const protocol = PROTOCOLS[number];
  if (!protocol || body.length < 4) return undefined;
  const port = (at: number) => (protocol === 'icmpv6' ? 0 : (body[at] ?? 0) * 256 + (body[at + 1] ?? 0));
  const flags = protocol === 'tcp' ? (body[13] ?? 0) : 0;
  return {
    ...{ protocol, source, destination, sourcePort: port(0), destinationPort: port(2) },
    opens: (flags & 0x12) === 0x02,
    icmpType: protocol === 'icmpv6' ? (body[0] ?? 0) : 0,
  };
}

const dotted = (bytes: Uint8Array) => [...bytes].join('.');
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

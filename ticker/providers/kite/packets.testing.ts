import type { Random } from '../../../runtime/random.ts';
import { packetBytes } from './packet-layout.ts';

/** Bytes of every kind of packet. */
export const lengths = Object.values(packetBytes);
const extremes = [0, 1, -1, 0x7fffffff, -0x80000000, 0xffff, 100, -100];

/** A frame from packets given as bytes. */
export function frameOf(packets: readonly Uint8Array[], count = packets.length): Uint8Array {
  const frame = new Uint8Array(2 + packets.reduce((sum, packet) => sum + 2 + packet.length, 0));
  const view = new DataView(frame.buffer);
  view.setUint16(0, count);
  let at = 2;
  for (const packet of packets) {
    view.setUint16(at, packet.length);
    frame.set(packet, at + 2);
    at += 2 + packet.length;
  }
  return frame;
}

/** A packet whose words are anything a wire can carry, extremes often. */
export function packetOf(random: Random, length: number, segment: number): Uint8Array {
  const packet = new Uint8Array(length);
  const view = new DataView(packet.buffer);
  for (let at = 0; at + 4 <= length; at += 4) {
    const kind = random.integer(4);
    const word =
      kind === 0
        ? extremes[random.integer(extremes.length)]!
        : kind === 1
          ? random.integer(10_000_000)
          : random.integer(0x1_0000_0000);
    view.setInt32(at, word | 0);
  }
  view.setUint32(0, random.integer(0x100_0000) * 256 + segment);
  return packet;
}

import { packetBytes } from '../../ticker/providers/kite/packet-layout.ts';
import type { Recording } from './recording.ts';

/**
 * Lets time and volume of a recorded frame go on from the pass before, as in a market. In place: a copy of each frame would
 * be collected in pauses of 5 to 10 ms, and a pause of the broker is a burst of frames.
 *
 * @param seconds since the Unix epoch
 * @param growth by which volumes grow; see {@link growthOfVolume}
 */
export function goOn(bytes: Uint8Array, packets: number, seconds: number, growth: number): void {
  const frame = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 2;
  for (let packet = 0; packet < packets; packet++) {
    const length = frame.getUint16(at);
    const start = at + 2;
    if (length >= packetBytes.quote) frame.setInt32(start + 16, frame.getInt32(start + 16) + growth);
    if (length === packetBytes.full) {
      frame.setInt32(start + 44, seconds);
      frame.setInt32(start + 60, seconds);
    } else if (length === packetBytes.indexFull) frame.setInt32(start + 28, seconds);
    at = start + length;
  }
}

/** More than any instrument's volume grows in one pass of a recording. */
export function growthOfVolume({ frames, packets }: Recording): number {
  const first = new Map<number, number>();
  let growth = 0;
  frames.forEach((frame, index) => {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    let at = 2;
    for (let packet = 0; packet < packets[index]!.all; packet++) {
      const length = view.getUint16(at);
      if (length >= packetBytes.quote) {
        const token = view.getUint32(at + 2);
        const volume = view.getInt32(at + 18);
        if (!first.has(token)) first.set(token, volume);
        growth = Math.max(growth, volume - first.get(token)!);
      }
      at += 2 + length;
    }
  });
  return growth + 1;
}

/** Ways to damage a frame. */
export type Corruption =
  /** Cut off in the middle of its last packet. */
  | 'truncatedFrame'
  /** One packet more, of a length that no mode has. */
  | 'unknownPacket'
  /** The count says more packets than there are. */
  | 'missingPackets'
  /** A packet's length reaches past the end of the frame. */
  | 'overlongPacket'
  /** Nothing in it means anything. */
  | 'garbage';

const unknownLength = 13;

/** A damaged copy of a frame. */
export function corrupt(frame: Uint8Array, corruption: Corruption): Uint8Array {
  if (corruption === 'truncatedFrame') return frame.slice(0, frame.length - 3);
  const extra = corruption === 'unknownPacket' ? 2 + unknownLength : 0;
  const damaged = new Uint8Array(frame.length + extra);
  damaged.set(frame);
  const view = new DataView(damaged.buffer);
  const count = view.getInt16(0);
  if (corruption === 'unknownPacket') {
    view.setInt16(0, count + 1);
    view.setInt16(frame.length, unknownLength);
  } else if (corruption === 'missingPackets') {
    view.setInt16(0, count + 7);
  } else if (corruption === 'overlongPacket') {
    view.setInt16(2, 0x7fff);
  } else {
    for (let index = 0; index < damaged.length; index++)
      damaged[index] = (Math.imul(index + 1, 0x9e3779b1) >>> 13) & 0xff;
  }
  return damaged;
}

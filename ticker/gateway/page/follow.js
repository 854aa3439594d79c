/** What is known of one set's stream at its start. */
export const freshStream = () => ({ batches: 0, ticks: 0, missing: 0, unproven: 0, told: 0, slices: new Map() });

/**
 * Follows the header of a batch or heartbeat and says whether its ticks are to be taken. The rule is `BatchSequence`'s;
 * a test holds the two to the same totals.
 */
export function follow(stream, header) {
  const named = stream.slices.get(header.slice);
  // Created anew under the same name, it is another one: its epochs say nothing of the former's.
  const known = named?.sliceUid === header.sliceUid ? named : undefined;
  if (header.late || (known && older(header, known))) return false;
  if (known === undefined) {
    stream.slices.set(header.slice, { ...position(header), shard: header.shard, sliceUid: header.sliceUid });
  } else if (!chain(stream, header, known)) return false;
  if (header.count === 0) return false;
  if (header.gap) stream.told++;
  stream.batches++;
  stream.ticks += header.count;
  return true;
}

const position = ({ epoch, claim, seq }) => ({ epoch, claim, seq });
const compare = (a, b) => a.epoch - b.epoch || a.claim - b.claim;
const older = (a, b) => compare(a, b) < 0;

/** Counts what is missing between `known` and `header`; false where it is a duplicate. */
function chain(stream, header, known) {
  if (older(known, header)) {
    const before = known.seq === 0 && known.before ? known.before : position(known);
    Object.assign(known, { ...position(header), seq: 0, shard: header.shard, before });
  }
  const heartbeat = header.count === 0;
  if (heartbeat ? header.seq < known.seq : header.seq <= known.seq) return false;
  const skipped = header.seq - known.seq - (heartbeat ? 0 : 1);
  stream.missing += skipped;
  known.seq = header.seq;
  if (header.seq === 0 || known.before === undefined) return true;
  const { before } = known;
  known.before = undefined;
  const { prev } = header;
  if (skipped > 0 || prev === undefined) stream.unproven++;
  else if (prev === null) stream.unproven += before.seq === 0 ? 0 : 1;
  else if (compare(prev, before) === 0) {
    stream.missing += Math.max(0, prev.seq - before.seq);
    if (prev.seq < before.seq) stream.unproven++;
  } else {
    if (older(before, prev)) stream.missing += prev.seq;
    if (older(before, prev) || before.seq > 0) stream.unproven++;
  }
  return true;
}

/**
 * Keys of a slice share the hash tag `{sliceUid}`, so that one script may touch them all, on Redis Cluster too.
 * UIDs, not names, are in them: a set that is deleted and made anew under its name starts afresh.
 */
export const fenceKey = (sliceUid: string): string => `ticks:{${sliceUid}}:fence`;

/** Batches in order, bounded: a Redis Stream with fields `epoch`, `claim`, `seq`, `payload`. */
export const streamKey = (sliceUid: string, setUid: string): string => `ticks:{${sliceUid}}:${setUid}:stream`;

/** What an older token sealed: as the stream, with `n` too. */
export const lateKey = (sliceUid: string, setUid: string): string => `ticks:{${sliceUid}}:${setUid}:late`;

/** Newest row of each instrument: a hash of `EXCHANGE:SYMBOL` to JSON; {@link emptyField} where there is none yet. */
export const latestKey = (sliceUid: string, setUid: string): string => `ticks:{${sliceUid}}:${setUid}:latest`;

/** Exchange time of each row of the latest values, microseconds: a hash beside it. */
export const timesKey = (sliceUid: string, setUid: string): string => `ticks:{${sliceUid}}:${setUid}:latest-times`;

/** UIDs of the slices that deliver to a set: a set. Not in the slices' slot; kept apart from the scripts. */
export const directoryKey = (setUid: string): string => `ticks:sets:${setUid}`;

/** What sets there are: a hash of a set's UID to what is said of it. Beside the directories, in no slice's slot. */
export const setNamesKey = 'ticks:sets';

/** All keys of one set in one slice, in the order that the claim and end scripts take them. */
export function setKeys(sliceUid: string, setUid: string): string[] {
  return [
    streamKey(sliceUid, setUid),
    lateKey(sliceUid, setUid),
    latestKey(sliceUid, setUid),
    timesKey(sliceUid, setUid),
  ];
}

/** Stands in a hash that has no row yet: Redis keeps no empty hash, and a missing key holds up a slot migration. */
export const emptyField = '@empty';

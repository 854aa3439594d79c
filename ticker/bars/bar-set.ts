import type { SliceSet } from '../../crds/index.ts';

const suffix = ':bars';

/** UID under which a set's bars are kept at the sink. No UID of the API server has a colon. */
export function barsUid(setUid: string): string {
  return `${setUid}${suffix}`;
}

export function isBarsUid(uid: string): boolean {
  return uid.endsWith(suffix);
}

/** Channel of a set's bars. No channel that a set may name has a colon. */
export function barsChannel(channel: string): string {
  return `${channel}${suffix}`;
}

/**
 * Sets with, after each that wants bars, its bars: at the sink they are a set of their own, with channel, stream, latest
 * values, `seq` and heartbeats. Bars are JSON.
 */
export function withBars(sets: readonly SliceSet[]): SliceSet[] {
  return sets.flatMap((set) => {
    if (set.bars === undefined) return [set];
    const delivery = { ...set.delivery, format: 'json' as const };
    return [set, { ...set, uid: barsUid(set.uid), channel: barsChannel(set.channel), delivery }];
  });
}

import type { Gap } from '../delivery.ts';

/** What is said of two gaps that fall before the same batch: a reason that comes with a count outranks one without. */
const rank: Record<Gap['why'], number> = { spool: 4, redis: 3, detached: 2, reconnect: 1, newOwner: 0 };

/**
 * One gap that covers both: a batch has room for one. The range is that of both together, `ticks` is the sum of what
 * was counted.
 */
export function mergeGaps(a: Gap | undefined, b: Gap | undefined): Gap | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const ticks = a.ticks === undefined && b.ticks === undefined ? undefined : (a.ticks ?? 0) + (b.ticks ?? 0);
  return {
    from: Math.min(a.from, b.from),
    to: Math.max(a.to, b.to),
    why: rank[a.why] >= rank[b.why] ? a.why : b.why,
    ...(ticks === undefined ? {} : { ticks }),
  };
}

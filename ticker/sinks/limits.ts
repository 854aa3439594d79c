/** Tokens whose last `n` a fence remembers, live and late (PROTOCOL 2). */
export const tokensKept = 16;

/** How long the tombstone of an ended slice refuses every token (PROTOCOL 7). */
export const tombstoneMillis = 7 * 24 * 3600 * 1000;

/** Sets whose last batch a fence remembers; beyond, a claim forgets those that it does not name. */
export const previousKept = 2048;

/** Instruments in the latest values of one set and slice; beyond, those with the oldest times go. */
export const latestKept = 20_000;

/** Batches in a late stream where the set keeps no stream of its own. */
export const lateKept = 1000;

/**
 * What bounds a label: its values where they are fixed, else what there is one of for each. The reference page counts
 * series with it.
 */
export type LabelBound = readonly string[] | Scale;

/** Things that grow with an installation; a label of one is as many as there are of these. None is an instrument. */
export type Scale = 'shard' | 'account' | 'market' | 'task' | 'errorCode' | 'version';

/** One metric: what is exposed, and what `docs/reference/metrics.md` says of it. */
export interface MetricDefinition {
  /** By Prometheus' conventions: `_total` for counters, the base unit (`_seconds`, `_bytes`) last. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** What is counted, or the unit of the value. */
  readonly unit: string;
  readonly labels: Readonly<Record<string, LabelBound>>;
  /** Upper bounds of a histogram's buckets, ascending; +Inf is understood. */
  readonly buckets?: readonly number[];
}

/** A label's value for each label that the definition names. */
export type LabelsOf<D extends MetricDefinition> = { readonly [L in keyof D['labels']]: string };

/** How many there are of everything that grows. */
export type Fleet = Readonly<Record<Scale, number>>;

/**
 * Series that a metric has at most. An account is served by one shard at a time, so shards do not multiply what is by
 * account.
 */
export function seriesOf({ labels, buckets = [], type }: MetricDefinition, fleet: Fleet): number {
  let count = type === 'histogram' ? buckets.length + 3 : 1;
  for (const bound of Object.values(labels)) {
    if (typeof bound !== 'string') count *= bound.length;
    else if (bound !== 'shard' || !Object.values(labels).includes('account')) count *= fleet[bound];
  }
  return count;
}

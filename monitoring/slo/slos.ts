import { accountSession, rateBy, sumBy } from '../promql.ts';

/** A service level objective of the data plane, for each namespace. Time and events outside of sessions do not count. */
export interface Slo {
  /** Value of the label `slo`. */
  readonly name: 'freshness' | 'completeness' | 'latency';
  readonly title: string;
  /** Share that must be good. */
  readonly objective: number;
  /** What is promised, for people. */
  readonly promise: string;
  /** What was bad, and all that counts; summed by namespace, in one unit. */
  readonly bad: string;
  readonly all: string;
}

/** Seconds. */
export const freshWithin = 10;
/** Seconds; a bound of the histogram's buckets. */
export const deliveredWithin = 0.25;

/** 1 for an account whose newest tick is too old while its market is open, or that nobody serves; 0 for one that is fresh. */
export const staleAccounts = 'namespace_account:ticker_stale:bool';

const delivered = 'ticker_delivery_duration_seconds';

export const slos: readonly Slo[] = [
  {
    name: 'freshness',
    title: 'Freshness',
    objective: 0.999,
    promise: `While its market is open, the newest tick of an account is at most ${freshWithin} s old.`,
    bad: sumBy('namespace', staleAccounts),
    all: `count by (namespace) (${staleAccounts})`,
  },
  {
    name: 'completeness',
    title: 'Completeness',
    objective: 0.9999,
    promise: 'What was received reaches the sink and stays there: it is neither dropped nor lost.',
    bad: `${rateBy('namespace', 'ticker_ticks_dropped_total{reason="full"}', '5m')} + ${rateBy('namespace', 'ticker_ticks_lost_by_sink_total', '5m')}`,
    all: rateBy('namespace', 'ticker_ticks_batched_total', '5m'),
  },
  {
    name: 'latency',
    title: 'Latency',
    objective: 0.99,
    promise: `A batch is in the sink within ${deliveredWithin * 1000} ms of the receipt of its first tick.`,
    bad: `${rateBy('namespace', `${delivered}_count`, '5m')} - ${rateBy('namespace', `${delivered}_bucket{le="${deliveredWithin}"}`, '5m')}`,
    all: rateBy('namespace', `${delivered}_count`, '5m'),
  },
];

/** The recording rule of {@link staleAccounts}. */
export const staleAccountsExpr = `(min by (namespace, account) (ticker_last_tick_age_seconds) > bool ${freshWithin} or ${accountSession}) and on (namespace, account) ${accountSession} == 1`;

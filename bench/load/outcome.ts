import type { Account } from './accounting.ts';
import type { ReaderReport, ShardReport } from './messages.ts';

/** How much of a scenario is run: as asked for, for a look, or for a test. */
export type Size = 'full' | 'quick' | 'short';

/** One row of the table of streams. */
export interface Outcome {
  readonly name: string;
  /** What was done. */
  readonly what: string;
  readonly account: Account;
  readonly latency: ReaderReport['latency'];
  readonly memory: { readonly start: number; readonly peak: number; readonly end: number; readonly heap: number };
  /** CPU seconds of the shard's process over seconds by the clock. */
  readonly cpu: number;
  readonly seconds: number;
}

export function outcome(
  name: string,
  what: string,
  account: Account,
  streams: ReaderReport,
  before: ShardReport,
  after: ShardReport,
): Outcome {
  const seconds = (after.wall - before.wall) / 1000;
  return {
    name,
    what,
    account,
    latency: streams.latency,
    memory: { start: before.rss, peak: after.peakRss, end: after.rss, heap: after.heap ?? Number.NaN },
    cpu: (after.cpu - before.cpu) / 1e6 / seconds,
    seconds,
  };
}

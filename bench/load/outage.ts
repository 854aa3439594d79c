import { setTimeout as delay } from 'node:timers/promises';
import { closeAccount } from './accounting.ts';
import type { ShardReport } from './messages.ts';
import { type Outcome, outcome, type Size } from './outcome.ts';
import { Rig, type RigOptions } from './rig.ts';

interface Fault {
  readonly rate: number;
  /** Seconds of streaming before and after, and of Redis being away. */
  readonly around: number;
  readonly away: number;
  /**
   * Seconds in which the shard delivers what has gathered while the stream goes on. On a machine that is too busy for
   * that the stream is stopped meanwhile, or the spool would only grow.
   */
  readonly catchUp: number;
}

/** Redis away in mid-flow, then killed with its data gone. */
const faults: Record<Size, Fault> = {
  full: { rate: 50_000, around: 5, away: 60, catchUp: 120 },
  quick: { rate: 50_000, around: 1, away: 2, catchUp: 5 },
  short: { rate: 20_000, around: 0.5, away: 1, catchUp: 5 },
};

/** How long the reader of streams does not read before Redis loses its data, so that it has something to miss. */
const unreadMillis = 600;

/**
 * Redis ends in mid-flow and is away while the stream goes on; it comes back with its data, and is sent what has gathered.
 * Then it is killed and comes back empty, in mid-flow again.
 */
export async function runFault(size: Size, options: Partial<RigOptions> = {}): Promise<Outcome> {
  const { rate, around, away, catchUp } = faults[size];
  const plan = { instruments: 1_000, mode: 'full' } as const;
  const rig = await Rig.start({ plan, streamLength: 1_500, ...options });
  try {
    await rig.startShard();
    const before = await rig.report();
    rig.flow(rate);
    await delay(around * 1000);
    await rig.saveRedis();
    await delay(away * 1000);
    await rig.redis.restart();
    const caughtUp = ({ totals, breaker }: ShardReport): boolean => breaker.state === 'closed' && totals.spooled === 0;
    const waited = !(await rig.within(catchUp, caughtUp));
    if (waited) {
      await rig.stream(0, 0);
      await rig.until(caughtUp);
      rig.flow(rate);
    }
    await delay(around * 1000);
    // It is asked once it has read what there is.
    await rig.read(rig.streams);
    rig.streams!.send({ kind: 'pause' });
    await delay(unreadMillis);
    await rig.loseRedis();
    await rig.redis.restart();
    rig.streams!.send({ kind: 'resume' });
    await rig.until(({ breaker }) => breaker.state === 'closed');
    await delay(around * 1000);
    await rig.stream(0, 0);
    await rig.settle();
    const after = await rig.report(true);
    const [streams, pubsub] = await Promise.all([rig.read(rig.streams), rig.read(rig.pubsub)]);
    const { ledger } = rig;
    const ranges = await rig.ranges();
    const account = closeAccount({ ranges, shards: [after], ledger, streams, pubsub, redisLost: true });
    const pace = waited ? `/s but for a wait after ${catchUp} s of catching up` : '/s';
    const what = `${rate.toLocaleString('en-US')}${pace}; Redis away for ${away} s, then killed and its data gone`;
    return outcome('fault', what, account, streams, before, after);
  } finally {
    await rig.stop();
  }
}

interface Bound {
  readonly rate: number;
  readonly ticks: number;
  readonly spoolBytes: number;
  readonly outboxBytes: number;
}

const bounds: Record<Size, Bound> = {
  full: { rate: 50_000, ticks: 1_500_000, spoolBytes: 256 * 2 ** 20, outboxBytes: 64 * 2 ** 20 },
  quick: { rate: 50_000, ticks: 100_000, spoolBytes: 16 * 2 ** 20, outboxBytes: 8 * 2 ** 20 },
  short: { rate: 50_000, ticks: 40_000, spoolBytes: 4 * 2 ** 20, outboxBytes: 8 * 2 ** 20 },
};

/** Redis away for longer than the spool's bound reaches: what is dropped is counted, and told. */
export async function runPastBound(size: Size, options: Partial<RigOptions> = {}): Promise<Outcome> {
  const { rate, ticks, spoolBytes, outboxBytes } = bounds[size];
  const plan = { instruments: 1_000, mode: 'full' } as const;
  // What is under way is not dropped, so the bound of memory has to be above it: a call holds a batch of 425 kB at least.
  const limits = { outboxBytes, spillBytes: outboxBytes / 4, callsInFlight: 4, bytesPerCall: 256 * 1024 };
  const rig = await Rig.start({ plan, streamLength: 1_500, spoolBytes, limits, ...options });
  try {
    await rig.startShard();
    const before = await rig.report();
    await rig.stream(rate, ticks / 10);
    await rig.settle();
    await rig.saveRedis();
    await rig.stream(rate, ticks);
    await rig.redis.restart();
    await rig.stream(rate, ticks / 10);
    await rig.settle();
    const after = await rig.report(true);
    const [streams, pubsub] = await Promise.all([rig.read(rig.streams), rig.read(rig.pubsub)]);
    const { ledger } = rig;
    const account = closeAccount({ ranges: await rig.ranges(), shards: [after], ledger, streams, pubsub });
    const megabytes = Math.round(spoolBytes / 2 ** 20);
    const what = `${ticks.toLocaleString('en-US')} ticks while Redis is away, a spool of ${megabytes} MiB`;
    return outcome('past the bound', what, account, streams, before, after);
  } finally {
    await rig.stop();
  }
}

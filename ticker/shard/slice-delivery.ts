import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { FeedPause } from './feed-pause.ts';
import type { GuardedSink } from './guarded-sink.ts';
import type { ShardLimits } from './limits.ts';
import { Outbox, type OutboxOptions } from './outbox.ts';
import { OutboxSender } from './outbox-sender.ts';
import type { SpillOptions } from './outbox-spill.ts';
import type { Spool } from './spool/spool.ts';
import { SpoolKeeper } from './spool/spool-keeper.ts';
import { nothingRestored } from './spool/work.ts';

export interface SliceDeliveryOptions {
  /** `namespace/name` */
  readonly slice: string;
  readonly sliceUid: string;
  readonly shard: string;
  readonly sink: GuardedSink;
  readonly spool?: Spool | undefined;
  readonly assemble: OutboxOptions['assemble'];
  readonly emptyBody: OutboxOptions['emptyBody'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: ShardLimits;
  /** The outbox has followed an answer: its state may have changed. */
  readonly settled: () => void;
  /** Leaves the slice's feed unread, or reads on. */
  readonly pauseFeed: (paused: boolean) => void;
}

/** A slice's way to the sink: its outbox, who sends for it and, where there is a spool, who keeps what waits on disk. */
export class SliceDelivery {
  readonly outbox: Outbox;
  readonly sender: OutboxSender;
  readonly feedPause: FeedPause;
  readonly #keeper: SpoolKeeper | undefined;
  readonly #endListening: () => void;

  constructor(options: SliceDeliveryOptions) {
    const { slice, sliceUid, shard, sink, clock, random, log, limits, assemble, emptyBody, settled } = options;
    const spool = options.spool?.slice(sliceUid, (segment) => this.outbox.spill.dropSegment(segment));
    this.outbox = new Outbox({
      slice,
      sliceUid,
      shard,
      callsInFlight: limits.callsInFlight,
      batchesPerCall: limits.batchesPerCall,
      bytesPerCall: limits.bytesPerCall,
      heartbeat: limits.heartbeat,
      maxBytes: limits.outboxBytes,
      maxBatches: limits.outboxBatches,
      feedSkew: limits.feedSkew,
      ...(spool === undefined ? {} : { spill: spillOf(limits, (place) => spool.release(place)) }),
      assemble,
      emptyBody,
    });
    this.outbox.restore(options.spool?.takeRestored(sliceUid) ?? nothingRestored);
    this.sender = new OutboxSender({
      outbox: this.outbox,
      sink,
      clock,
      random,
      log,
      grace: limits.sinkGrace,
      settled: () => {
        settled();
        this.feedPause.look();
      },
      note: (mark) => this.#keeper?.note(mark),
    });
    this.#keeper =
      options.spool === undefined || spool === undefined
        ? undefined
        : new SpoolKeeper({
            outbox: this.outbox,
            spool: options.spool,
            slice: spool,
            clock,
            random,
            log,
            stored: () => this.feedPause.look(),
            loaded: () => this.sender.kick(),
          });
    this.feedPause = new FeedPause({
      clock,
      longest: limits.feedPause,
      pressure: () => this.outbox.spill.pressure,
      spoolTakes: () => options.spool?.takes(limits.outboxBytes) ?? false,
      pause: options.pauseFeed,
    });
    this.#endListening = sink.back.listen(() => this.sender.sinkIsBack());
  }

  /** Something was added, or an epoch named. */
  kick(): void {
    this.sender.kick();
    this.#keeper?.kick();
    this.feedPause.look();
  }

  /** What runs under a supervisor, by name. */
  tasks(): [name: string, task: (signal: AbortSignal) => Promise<void>][] {
    const keeper = this.#keeper;
    return [
      ['delivery', (signal) => this.sender.run(signal)],
      ...(keeper === undefined
        ? []
        : ([['spool', (signal) => keeper.run(signal)]] as [string, (signal: AbortSignal) => Promise<void>][])),
    ];
  }

  /** Writes what the sink did not take to the spool, where there is one. */
  async seal(signal: AbortSignal): Promise<void> {
    await this.#keeper?.seal(signal);
  }

  /** Listens no longer. */
  stop(): void {
    this.#endListening();
    this.feedPause.stop();
  }
}

function spillOf(limits: ShardLimits, released: SpillOptions['released']): SpillOptions {
  return {
    bytes: Math.min(limits.spillBytes, limits.outboxBytes / 2),
    batches: Math.min(limits.spillBatches, limits.outboxBatches / 2),
    chunkBytes: limits.spoolChunk,
    released,
  };
}

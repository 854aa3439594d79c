import type { Token } from '../../../crds/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { sinkUnavailable } from '../errors.ts';
import { lateKept, latestKept, tombstoneMillis } from '../limits.ts';
import { readPayload } from '../payload.ts';
import type { SinkReader } from '../reader.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest, MarkAnswer, SealedBatch, Sink } from '../sink.ts';
import { Channels } from './channels.ts';
import { Fence } from './fence.ts';
import { LatestValues } from './latest-values.ts';
import { MemoryReader } from './memory-reader.ts';
import { BoundedStream } from './stream.ts';

export interface MemorySinkOptions {
  readonly clock: Clock;
  /** Bytes that one stream may hold, whatever number of batches its set asks for; default 16 MiB. */
  readonly streamBytes?: number;
  /** Instruments in the latest values of a set and slice; default {@link latestKept}. */
  readonly latestLimit?: number;
}

/** One set's share of one slice. */
export interface SetStore {
  readonly stream: BoundedStream;
  readonly late: BoundedStream;
  latest: LatestValues;
}

/** Everything of one slice. */
export interface SliceStore {
  readonly fence: Fence;
  readonly sets: Map<string, SetStore>;
  /** Monotonic milliseconds after which an ended slice is forgotten. */
  forgetAt: number;
}

/**
 * A sink within the process, as strict as the Redis one: same fence, same order, same bounds. What is published reaches
 * subscribers before `send` resolves.
 */
export class MemorySink implements Sink {
  readonly #clock: Clock;
  readonly #streamBytes: number;
  readonly #latestLimit: number;
  readonly #slices = new Map<string, SliceStore>();
  readonly #channels = new Channels();
  #closed = false;

  constructor(options: MemorySinkOptions) {
    this.#clock = options.clock;
    this.#streamBytes = options.streamBytes ?? 16 * 1024 * 1024;
    this.#latestLimit = options.latestLimit ?? latestKept;
  }

  /** A reader of this sink; closing it stops its subscriptions only. */
  reader(): SinkReader {
    return new MemoryReader(this.#slices, this.#channels);
  }

  /** Another sink whose fences stand where they do now, with no batches: what a failover to a replica falls back to. */
  replica(): MemorySink {
    const other = new MemorySink({
      clock: this.#clock,
      streamBytes: this.#streamBytes,
      latestLimit: this.#latestLimit,
    });
    for (const [sliceUid, { fence, sets, forgetAt }] of this.#slices) {
      const slice: SliceStore = { fence: fence.copy(), sets: new Map(), forgetAt };
      other.#slices.set(sliceUid, slice);
      for (const setUid of sets.keys()) other.#set(slice, setUid);
    }
    return other;
  }

  claim(request: ClaimRequest): Promise<ClaimAnswer> {
    return this.#answer(() => {
      this.#forgetTombstones();
      const slice = this.#slices.get(request.sliceUid) ?? this.#open(request.sliceUid);
      const answer = slice.fence.claim(request);
      if (answer.kind === 'claimed') for (const setUid of request.setUids) this.#set(slice, setUid);
      return answer;
    });
  }

  send(call: Call): Promise<Answer> {
    return this.#answer(() => {
      this.#forgetTombstones();
      const slice = this.#slices.get(call.sliceUid);
      if (slice === undefined) return { kind: 'claimFirst' };
      const answer = slice.fence.send(call.token, call.n, call.echo);
      if (answer.kind !== 'written') return answer;
      const trimmed = call.batches.reduce((sum, batch) => sum + this.#write(slice, batch), 0);
      return trimmed > 0 ? { ...answer, trimmed } : answer;
    });
  }

  sendLate(call: Call): Promise<Answer> {
    return this.#answer(() => {
      this.#forgetTombstones();
      const slice = this.#slices.get(call.sliceUid);
      if (slice === undefined) return { kind: 'claimFirst' };
      const answer = slice.fence.sendLate(call.token, call.n);
      if (answer.kind !== 'written') return answer;
      for (const batch of call.batches) {
        if (batch.header.count === 0) continue;
        const late = this.#set(slice, batch.setUid).late;
        late.add(this.#clock.now(), readPayload(batch.payload), batch.streamMaxLength ?? lateKept);
      }
      return answer;
    });
  }

  mark(sliceUid: string, mark: string): Promise<MarkAnswer> {
    return this.#answer(() => this.#slices.get(sliceUid)?.fence.mark(mark) ?? { kind: 'claimFirst' });
  }

  end(sliceUid: string, token: Token): Promise<Answer> {
    return this.#answer(() => {
      this.#forgetTombstones();
      const slice = this.#slices.get(sliceUid);
      if (slice === undefined) return { kind: 'claimFirst' };
      const answer = slice.fence.end(token);
      if (answer.kind === 'written') {
        slice.forgetAt = this.#clock.monotonic() + tombstoneMillis;
        for (const set of slice.sets.values()) set.latest = new LatestValues(this.#latestLimit);
      }
      return answer;
    });
  }

  ping(): Promise<void> {
    return this.#answer(() => undefined);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** Runs one call whole, in the order of calling; an answer that is thrown becomes a rejection. */
  async #answer<T>(act: () => T): Promise<T> {
    if (this.#closed) throw sinkUnavailable('the memory sink is closed');
    return act();
  }

  #open(sliceUid: string): SliceStore {
    const slice = { fence: new Fence(), sets: new Map(), forgetAt: Number.POSITIVE_INFINITY };
    this.#slices.set(sliceUid, slice);
    return slice;
  }

  #set(slice: SliceStore, setUid: string): SetStore {
    const known = slice.sets.get(setUid);
    if (known !== undefined) return known;
    const set = {
      stream: new BoundedStream(this.#streamBytes),
      late: new BoundedStream(this.#streamBytes),
      latest: new LatestValues(this.#latestLimit),
    };
    slice.sets.set(setUid, set);
    return set;
  }

  /** Returns how many batches its stream lost for it. */
  #write(slice: SliceStore, batch: SealedBatch): number {
    const set = this.#set(slice, batch.setUid);
    let trimmed = 0;
    const payload = readPayload(batch.payload);
    if (batch.header.count > 0) {
      slice.fence.published(batch.setUid, batch.header);
      if (batch.streamMaxLength !== undefined) {
        trimmed = set.stream.add(this.#clock.now(), payload, batch.streamMaxLength);
      }
    }
    for (const value of batch.latest ?? []) set.latest.offer(value);
    set.latest.trim();
    if (batch.channel !== undefined) {
      this.#channels.publish({ channel: batch.channel, payload });
    }
    return trimmed;
  }

  #forgetTombstones(): void {
    const now = this.#clock.monotonic();
    for (const [sliceUid, slice] of this.#slices) if (slice.forgetAt <= now) this.#slices.delete(sliceUid);
  }
}

import type { Gap } from '../delivery.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import type { Backlog, HeldBatch } from './backlog.ts';
import type { CallLane } from './call-lane.ts';
import type { HeldBatches } from './held-batches.ts';
import type { LaneState } from './spool/lane-state.ts';
import type { SpoolPlace, SpoolSegment } from './spool/place.ts';
import type { SpoolWork } from './spool/work.ts';

export interface SpillOptions {
  /** Bytes and batches in memory past which the oldest are stored. */
  readonly bytes: number;
  readonly batches: number;
  /** Bytes that are read ahead at once, and stored; more are stored where more is past the watermark. */
  readonly chunkBytes: number;
  /** The spool need not keep this batch any longer. */
  readonly released: (place: SpoolPlace) => void;
}

/** Where an outbox's batches are now. */
export interface SpillSource {
  /** Oldest first. */
  readonly lanes: readonly CallLane[];
  /** Those that send now. */
  readonly sending: readonly CallLane[];
  /** What is in no lane yet. */
  readonly staged: Backlog;
  /** Where the next batch goes. */
  readonly incoming: Backlog;
  /** How what is staged stands, for a process that comes after this one. */
  stagedState(first: HeldBatch): LaneState;
  /** Batches went: lanes may be empty. */
  dropped(): void;
}

/** Chunks that are stored at once at most. */
const mostChunks = 16;

/**
 * The part of an outbox that knows of bounds and of the spool: what to store, what to read back, what to drop. Pure: a
 * spool keeper asks, acts and tells.
 */
export class OutboxSpill {
  /** A lane began or ended since the spool was told of them. */
  lanesChanged = false;
  readonly #held: HeldBatches;
  readonly #source: SpillSource;
  readonly #options: SpillOptions | undefined;

  constructor(held: HeldBatches, source: SpillSource, options: SpillOptions | undefined) {
    this.#held = held;
    this.#source = source;
    this.#options = options;
  }

  /**
   * What the spool should write next, oldest first: something while memory is past its watermark, or while anything is
   * not stored yet where `all`. Its outcome is told by {@link OutboxSpill.stored} or {@link OutboxSpill.notStored}.
   */
  toStore(all: boolean): SpoolWork | undefined {
    const options = this.#options;
    const { heldBytes } = this.#held.counters;
    if (options === undefined || (!all && heldBytes <= options.bytes && this.#held.resident <= options.batches)) {
      return undefined;
    }
    // A process that is short of time gets few turns: what it writes in one has to keep up with what comes. At the end
    // each chunk waits for the device, so there should be few.
    // What is being stored is not dropped, so it must leave room within the bounds.
    const { maxBytes, maxBatches } = this.#held.bounds;
    const most = Math.min(mostChunks * options.chunkBytes, maxBytes / 2);
    const chunk = all ? most : Math.max(options.chunkBytes, Math.min(most, heldBytes - options.bytes));
    const items: HeldBatch[] = [];
    let bytes = 0;
    for (const backlog of this.#backlogs) backlog.payDebts();
    for (const held of all ? this.#all() : this.#unstored()) {
      if (held.place !== undefined) continue;
      items.push(held);
      bytes += held.bytes;
      if (bytes >= chunk || items.length >= maxBatches / 2) break;
    }
    if (items.length === 0) return undefined;
    // A call that is opened with one of them before it is stored is marked as well; those that are open are marked now.
    for (const held of items) held.storing = true;
    return { items, marks: this.#source.lanes.flatMap((lane) => lane.openMarks()) };
  }

  /** How far memory is from its watermark (0) to its bound (1), by bytes or by batches; beyond either on both sides. */
  get pressure(): number {
    const options = this.#options;
    if (options === undefined) return 0;
    const { maxBytes, maxBatches } = this.#held.bounds;
    const byBytes = (this.#held.counters.heldBytes - options.bytes) / (maxBytes - options.bytes);
    return Math.max(byBytes, (this.#held.resident - options.batches) / (maxBatches - options.batches));
  }

  /** They could not be written. */
  notStored(items: readonly HeldBatch[]): void {
    for (const held of items) held.storing = false;
  }

  /** They are in the spool. What waits to be sent leaves memory. */
  stored(items: readonly HeldBatch[], places: readonly SpoolPlace[]): void {
    items.forEach((held, i) => {
      const place = places[i]!;
      held.storing = false;
      if (held.gone === true) {
        // Accepted or dropped in the meantime.
        this.#options?.released(place);
        return;
      }
      this.#held.placed(held, place);
      if (held.open !== true) this.#held.evict(held);
    });
  }

  /** What should be read back next, in order: soon to be sent, and only in the spool. */
  toLoad(): HeldBatch[] {
    const options = this.#options;
    if (options === undefined) return [];
    for (const lane of this.#source.sending) {
      if (lane.probing || lane.backlog.first?.place === undefined) continue;
      const wanted: HeldBatch[] = [];
      let ahead = 0;
      let bytes = 0;
      for (const held of lane.backlog.items()) {
        if (held.evicted !== true && wanted.length > 0) break;
        if (held.evicted !== true) ahead += held.bytes;
        else {
          wanted.push(held);
          bytes += held.bytes;
        }
        if (ahead >= options.chunkBytes || bytes >= options.chunkBytes) break;
      }
      if (wanted.length > 0) return wanted;
    }
    return [];
  }

  /** It was read back; `batch` is absent where the spool could not give it any more. */
  loaded(held: HeldBatch, batch: GatheredBatch | undefined): void {
    if (held.evicted !== true || held.place === undefined) return;
    if (batch === undefined) this.#dropStored((each) => each === held);
    else this.#held.readBack(held, batch);
  }

  /** The spool gives a segment up: what only it had is dropped and counted. Returns what the spool must remember. */
  dropSegment(segment: SpoolSegment): { readonly id: number; readonly gap: Gap }[] {
    const told = this.#dropStored((held) => held.evicted === true && held.place?.segment === segment);
    // What is in memory too goes on, without a copy.
    for (const held of this.#all()) if (held.place?.segment === segment) this.#held.unplace(held);
    return told;
  }

  /** How the lanes stand, where that has changed since it was asked last, or `always`. */
  lanesToNote(always: boolean): readonly LaneState[] {
    if (!this.lanesChanged && !always) return [];
    this.lanesChanged = false;
    const states = this.#source.lanes.map((lane) => lane.state());
    const { first } = this.#source.staged;
    if (first !== undefined) states.push(this.#source.stagedState(first));
    return states;
  }

  /** Drops the oldest past the bound. Only what was never sent can go: a call in flight may have been written already. */
  makeRoom(): void {
    if (!this.#held.full) return;
    const { incoming, lanes } = this.#source;
    const backlogs = [...lanes.map((lane) => lane.backlog).filter((backlog) => backlog !== incoming), incoming];
    if (this.#options !== undefined) {
      // What the spool has too can be read again. It is what was read ahead, or came back from calls.
      for (const backlog of backlogs) {
        for (const held of backlog.items()) {
          if (held.place === undefined || held.evicted === true) break;
          this.#held.evict(held);
        }
      }
    }
    for (const backlog of backlogs) {
      while (this.#held.full) {
        const dropped = backlog.dropResident();
        if (dropped === undefined) break;
        this.#drop(dropped);
      }
    }
    this.#source.dropped();
  }

  get #backlogs(): Backlog[] {
    return [...this.#source.lanes.map((lane) => lane.backlog), this.#source.staged];
  }

  /** Everything that waits for an answer, or to be sent, oldest first. */
  *#all(): Generator<HeldBatch> {
    for (const lane of this.#source.lanes) {
      yield* lane.heldOpen();
      yield* lane.backlog.items();
    }
    yield* this.#source.staged.items();
  }

  /** The same, without what the spool has. */
  *#unstored(): Generator<HeldBatch> {
    for (const lane of this.#source.lanes) {
      yield* lane.heldOpen();
      yield* lane.backlog.unstored();
    }
    yield* this.#source.staged.unstored();
  }

  #dropStored(lost: (held: HeldBatch) => boolean): { readonly id: number; readonly gap: Gap }[] {
    const remember: { id: number; gap: Gap }[] = [];
    for (const backlog of this.#backlogs) {
      const { dropped, told } = backlog.dropAll(lost);
      for (const held of dropped) this.#drop(held);
      for (const { id, gap, place } of told) if (place !== undefined && gap !== undefined) remember.push({ id, gap });
    }
    this.#source.dropped();
    return remember;
  }

  #drop(held: HeldBatch): void {
    this.#held.release(held);
    this.#held.counters.dropped += held.batch.count;
  }
}

import type { SliceSet, Token } from '../../crds/index.ts';
import type { Gap } from '../delivery.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest } from '../sinks/sink.ts';
import { compareTokens } from '../sinks/token.ts';
import { Backlog, type HeldBatch, heldBytes } from './backlog.ts';
import { CallLane, type LaneOptions, type LaneStart, type Moment } from './call-lane.ts';
import { acceptedBy, type LaneState, type SentMark } from './spool/lane-state.ts';
import type { SpoolPlace, SpoolSegment } from './spool/place.ts';
import type { Restored, RestoredLane, SpoolWork } from './spool/work.ts';

export type { Moment } from './call-lane.ts';

export interface OutboxOptions extends LaneOptions {
  /** Bounds of what waits for the sink; past either, the oldest batches are dropped and counted. */
  readonly maxBytes: number;
  readonly maxBatches: number;
  /** What waits beyond these goes to a spool; see {@link Outbox.toStore}. Without it everything stays in memory. */
  readonly spill?: SpillOptions;
}

export interface SpillOptions {
  /** Bytes and batches in memory past which the oldest are stored. */
  readonly bytes: number;
  readonly batches: number;
  /** Bytes that are stored, or read ahead, at once. */
  readonly chunkBytes: number;
  /** The spool need not keep this batch any longer. */
  readonly released: (place: SpoolPlace) => void;
}

/** What the outbox wants done next. Its outcome is told by {@link Outbox.settle}. */
export type OutboxAction =
  | { readonly kind: 'claim'; readonly request: ClaimRequest }
  /** `mark` must be in the spool before the call is sent. */
  | { readonly kind: 'send'; readonly call: Call; readonly mark?: SentMark }
  | { readonly kind: 'sendLate'; readonly call: Call; readonly mark?: SentMark }
  | { readonly kind: 'end'; readonly token: Token };

/** `unavailable`: the sink could not be reached or its answer was lost; it may or may not have been written. */
export type OutboxOutcome = Answer | ClaimAnswer | { readonly kind: 'unavailable' };

/**
 * `unnamed`: no epoch that it may claim. `claiming`: named, not claimed yet. `live`: claimed. `refused`: the sink knows
 * a newer token. `ended`: the fence is closed for good.
 */
export type OutboxState = 'unnamed' | 'claiming' | 'live' | 'refused' | 'ended';

/** Ticks: `added = published + late + dropped + discarded + held`, always. */
export interface OutboxCounters {
  added: number;
  /** Accepted live. */
  published: number;
  /** Accepted after a newer token, in the late stream. */
  late: number;
  /** Dropped from the full buffer. */
  dropped: number;
  /** Given up: the slice has ended at the sink, or the sink keeps nothing of so old a token. */
  discarded: number;
  /** Ticks that wait. */
  held: number;
  /** Accepted and published, and lost by the sink afterwards, as far as that is remembered; not part of the sum. */
  lostBySink: number;
  batchesPublished: number;
  heldBatches: number;
  /** Bytes of them that are in memory. */
  heldBytes: number;
  /** Of `added`: found in the spool of a process before this one. */
  restored: number;
  /** Ticks that wait and that the spool has, so that they outlive this process. */
  spooled: number;
  spooledBatches: number;
}

/** Late lanes that are kept: the fence knows the 16 newest tokens. */
const maxLateLanes = 16;
/** Sets that left the slice and whose last batches may still come. */
const maxFormerSets = 1024;

/**
 * What one slice's shard has to say to the sink, in order: claims, stamps, keeps what was not accepted, and follows every
 * answer (PROTOCOL 2, 3 and 7). Pure: it is asked for the next action, and told the outcome.
 */
export class Outbox {
  readonly counters: OutboxCounters = {
    added: 0,
    published: 0,
    late: 0,
    dropped: 0,
    discarded: 0,
    held: 0,
    lostBySink: 0,
    batchesPublished: 0,
    heldBatches: 0,
    heldBytes: 0,
    restored: 0,
    spooled: 0,
    spooledBatches: 0,
  };
  readonly #options: OutboxOptions;
  readonly #sets = new Map<string, SliceSet>();
  readonly #former = new Map<string, SliceSet>();
  /** Gathered before the first claim, or since the last token went late. */
  #staged = new Backlog(1);
  #lane: CallLane | undefined;
  readonly #late: CallLane[] = [];
  /** The lane of the refused token while no newer epoch is named: what is still gathered goes late with it. */
  #refusedLane: CallLane | undefined;
  #named = 0;
  #claimed: Token | undefined;
  #refusedEpoch = 0;
  #beatenBy: Token | undefined;
  #above: Token = { epoch: 0, claim: 0 };
  #claimInFlight = false;
  #claimAnew = false;
  #finishing = false;
  #endInFlight = false;
  #ended = false;
  #nextId = 1;
  #residentBatches = 0;
  /** The lane that a process before this one left, in `#staged`, until the sink says where it stands. */
  #restored: RestoredLane | undefined;
  /** When the process before this one received its last tick that is known, and the sets that were told. */
  #interrupted: { readonly at: number; readonly told: Set<string> } | undefined;
  #lanesChanged = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get sliceUid(): string {
    return this.#options.sliceUid;
  }

  get state(): OutboxState {
    if (this.#ended) return 'ended';
    if (this.#lane !== undefined && !this.#needsClaim) return 'live';
    if (this.#named > this.#refusedEpoch) return 'claiming';
    return this.#refusedEpoch > 0 ? 'refused' : 'unnamed';
  }

  /** The token under which it publishes now. */
  get token(): Token | undefined {
    return this.#claimed;
  }

  /** The newer token that the sink refused the newest epoch with. */
  get beatenBy(): Token | undefined {
    return this.#beatenBy;
  }

  /** The newest epoch that the sink turned away; it is never claimed again. */
  get refusedEpoch(): number {
    return this.#refusedEpoch;
  }

  /** Everything that was added has been accepted, dropped or discarded, and an asked-for end is said. */
  get settled(): boolean {
    return this.counters.heldBatches === 0 && (!this.#finishing || this.#ended || this.state === 'refused');
  }

  /** Names the owner's epoch. `above`: the highest claim of that epoch that is known from elsewhere. */
  name(epoch: number, above = 0): void {
    if (compareTokens({ epoch, claim: above }, this.#above) > 0) this.#above = { epoch, claim: above };
    if (epoch <= this.#named) return;
    this.#named = epoch;
    if (this.#refusedLane !== undefined) this.#staged = new Backlog(this.#nextId);
    this.#refusedLane = undefined;
  }

  /** Takes over the sets that batches and heartbeats go to. */
  configure(sets: readonly SliceSet[]): void {
    for (const [uid, set] of this.#sets) this.#former.set(uid, set);
    this.#sets.clear();
    for (const set of sets) {
      this.#sets.set(set.uid, set);
      this.#former.delete(set.uid);
    }
    for (const uid of this.#former.keys()) {
      if (this.#former.size <= maxFormerSets) break;
      this.#former.delete(uid);
    }
  }

  /** Takes one batch. Past the bound the oldest that was not sent yet is dropped, and the next one says so. */
  add(gathered: GatheredBatch): void {
    if (gathered.count === 0) return;
    // The spool may still be writing a batch when the sink has accepted it: its memory is not used again then.
    const { release: _, ...kept } = gathered;
    const batch = this.#options.spill === undefined ? gathered : kept;
    const set = this.#sets.get(batch.setUid) ?? this.#former.get(batch.setUid);
    this.counters.added += batch.count;
    if (set === undefined || this.#ended) {
      this.counters.discarded += batch.count;
      return;
    }
    const bytes = heldBytes(batch);
    const gap = this.#restartGap(batch);
    this.#incoming.push({ id: this.#nextId++, batch, set, bytes, gap, mayRepeat: false });
    const refused = this.#refusedLane;
    if (refused !== undefined && !this.#late.includes(refused)) this.#late.push(refused);
    this.counters.held += batch.count;
    this.counters.heldBatches++;
    this.counters.heldBytes += bytes;
    this.#residentBatches++;
    this.#makeRoom();
  }

  /**
   * What the spool should write next, oldest first: something while memory is past its watermark, or while anything is
   * not stored yet where `all`. Its outcome is told by {@link Outbox.stored} or {@link Outbox.notStored}.
   */
  toStore(all: boolean): SpoolWork | undefined {
    const { spill } = this.#options;
    if (
      spill === undefined ||
      (!all && this.counters.heldBytes <= spill.bytes && this.#residentBatches <= spill.batches)
    )
      return undefined;
    const items: HeldBatch[] = [];
    let bytes = 0;
    for (const backlog of this.#backlogs) backlog.payDebts();
    for (const held of all ? this.#held() : this.#unstored()) {
      if (held.place !== undefined) continue;
      items.push(held);
      bytes += held.bytes;
      if (bytes >= spill.chunkBytes) break;
    }
    if (items.length === 0) return undefined;
    // A call that is opened with one of them before it is stored is marked as well; those that are open are marked now.
    for (const held of items) held.storing = true;
    return { items, marks: this.#lanes.flatMap((lane) => lane.openMarks()) };
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
        this.#options.spill?.released(place);
        return;
      }
      held.place = place;
      this.counters.spooled += held.batch.count;
      this.counters.spooledBatches++;
      if (held.open !== true) this.#evict(held);
    });
  }

  /** What should be read back next, in order: soon to be sent, and only in the spool. */
  toLoad(): HeldBatch[] {
    const { spill } = this.#options;
    if (spill === undefined) return [];
    for (const lane of [this.#lane, this.#late[0]]) {
      if (lane === undefined || lane.probing || lane.backlog.first?.place === undefined) continue;
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
        if (ahead >= spill.chunkBytes || bytes >= spill.chunkBytes) break;
      }
      if (wanted.length > 0) return wanted;
    }
    return [];
  }

  /** It was read back; `batch` is absent where the spool could not give it any more. */
  loaded(held: HeldBatch, batch: GatheredBatch | undefined): void {
    if (held.evicted !== true || held.place === undefined) return;
    if (batch === undefined) {
      this.#dropStored((each) => each === held);
      return;
    }
    held.batch = batch;
    held.evicted = false;
    this.counters.heldBytes += held.bytes;
    this.#residentBatches++;
  }

  /** The spool gives a segment up: what only it had is dropped and counted. Returns what the spool must remember. */
  dropSegment(segment: SpoolSegment): { readonly id: number; readonly gap: Gap }[] {
    const told = this.#dropStored((held) => held.evicted === true && held.place?.segment === segment);
    // What is in memory too goes on, without a copy.
    for (const held of this.#held()) if (held.place?.segment === segment) this.#unplace(held);
    return told;
  }

  /** How the lanes stand, where that has changed since it was asked last, or `always`. */
  lanesToNote(always: boolean): readonly LaneState[] {
    if (!this.#lanesChanged && !always) return [];
    this.#lanesChanged = false;
    const states = this.#lanes.map((lane) => lane.state());
    const first = this.#staged.first;
    if (first !== undefined) {
      const restored = this.#restored;
      states.push({
        from: this.#staged.from,
        ...(restored?.token === undefined ? {} : { token: restored.token }),
        late: false,
        accepted: restored?.accepted ?? first.id - 1,
        seqs: restored?.seqs ?? {},
      });
    }
    return states;
  }

  /** Takes over what a process before this one left in the spool, oldest lane first. Before anything else is asked. */
  restore({ lanes, nextId }: Restored): void {
    this.#nextId = nextId;
    for (const [i, lane] of lanes.entries()) {
      const backlog = new Backlog(lane.from);
      if (lane.token !== undefined && compareTokens(lane.token, this.#above) > 0) this.#above = lane.token;
      for (const held of lane.held) {
        backlog.push(held);
        this.#interrupted = { at: held.batch.lastReceived, told: new Set() };
        const { counters } = this;
        counters.added += held.batch.count;
        counters.restored += held.batch.count;
        counters.held += held.batch.count;
        counters.heldBatches++;
        counters.spooled += held.batch.count;
        counters.spooledBatches++;
      }
      if (i < lanes.length - 1 || lane.late) this.#late.push(this.#restoredLane(lane, backlog));
      else {
        this.#restored = lane;
        this.#staged = backlog;
      }
    }
    if (this.#restored === undefined) this.#staged = new Backlog(this.#nextId);
  }

  /** Says in the next batch of every set that ticks are missing; what is held already comes before the gap. */
  tellGap(gap: Gap): void {
    for (const uid of this.#sets.keys()) this.#incoming.announce(uid, gap);
  }

  /** No more batches: marks each set's last one and closes the fence (PROTOCOL 7). */
  finish(): void {
    this.#finishing = true;
  }

  /** The next thing to do, or undefined for now; ask until then. `late: false` leaves late calls for another time. */
  next(moment: Moment, late = true): OutboxAction | undefined {
    if (this.#ended) return undefined;
    return this.#nextLive(moment) ?? (late ? this.#nextLate(moment) : undefined);
  }

  /** Monotonic milliseconds of the next heartbeat, or Infinity. */
  nextDue(): number {
    return this.state === 'live' && this.#lane?.empty === true ? this.#lane.heartbeatDue : Number.POSITIVE_INFINITY;
  }

  settle(action: OutboxAction, outcome: OutboxOutcome, moment: Moment): void {
    switch (action.kind) {
      case 'claim':
        this.#claimInFlight = false;
        if (outcome.kind === 'claimed') this.#onClaimed(outcome, moment);
        else if (outcome.kind === 'refused') this.#onRefused(action.request.epoch, outcome.newest);
        else if (outcome.kind === 'ended') this.#onEnded();
        return;
      case 'send':
        this.#onSent(action.call, outcome);
        return;
      case 'sendLate':
        this.#onLate(action.call, outcome);
        return;
      case 'end':
        this.#endInFlight = false;
        if (outcome.kind === 'written' || outcome.kind === 'already' || outcome.kind === 'ended') this.#onEnded();
        else if (outcome.kind === 'refused') this.#onRefused(action.token.epoch, outcome.newest);
        else if (outcome.kind === 'claimFirst') this.#claimAnew = true;
        return;
    }
  }

  /** Nobody received anything for this slice between a process's end and the next one's first tick. */
  #restartGap({ setUid, firstReceived }: GatheredBatch): Gap | undefined {
    const interrupted = this.#interrupted;
    if (interrupted === undefined || interrupted.told.has(setUid)) return undefined;
    interrupted.told.add(setUid);
    return { from: interrupted.at, to: firstReceived, why: 'newOwner' };
  }

  /** Oldest first. */
  get #lanes(): CallLane[] {
    const lanes = [...this.#late];
    for (const lane of [this.#refusedLane, this.#lane])
      if (lane !== undefined && !lanes.includes(lane)) lanes.push(lane);
    return lanes;
  }

  get #backlogs(): Backlog[] {
    return [...this.#lanes.map((lane) => lane.backlog), this.#staged];
  }

  /** Everything that waits for an answer, or to be sent, oldest first. */
  *#held(): Generator<HeldBatch> {
    for (const lane of this.#lanes) {
      yield* lane.heldOpen();
      yield* lane.backlog.items();
    }
    yield* this.#staged.items();
  }

  /** The same, without what the spool has. */
  *#unstored(): Generator<HeldBatch> {
    for (const lane of this.#lanes) {
      yield* lane.heldOpen();
      yield* lane.backlog.unstored();
    }
    yield* this.#staged.unstored();
  }

  get #needsClaim(): boolean {
    return this.#lane === undefined || this.#claimAnew || this.#lane.token.epoch < this.#named;
  }

  get #incoming(): Backlog {
    return (this.#lane ?? this.#refusedLane)?.backlog ?? this.#staged;
  }

  #nextLive(moment: Moment): OutboxAction | undefined {
    if (this.#named <= this.#refusedEpoch || this.#claimInFlight || this.#endInFlight) return undefined;
    const lane = this.#lane;
    if (this.#needsClaim || lane === undefined) {
      // The claim's answer says what was accepted before it, so nothing may be on its way.
      if (lane !== undefined && lane.inFlight > 0) return undefined;
      this.#claimInFlight = true;
      const above = this.#above.epoch === this.#named ? this.#above.claim : 0;
      const request = { sliceUid: this.#options.sliceUid, epoch: this.#named, above, setUids: [...this.#sets.keys()] };
      return { kind: 'claim', request };
    }
    const call = lane.next(moment, this.#sets, this.#finishing);
    if (call !== undefined) return { kind: 'send', call, ...marked(lane.markOf(call)) };
    if (this.#finishing && lane.ended && lane.inFlight === 0 && this.#late.length === 0) {
      this.#endInFlight = true;
      return { kind: 'end', token: lane.token };
    }
    return undefined;
  }

  /** Late calls go one at a time: they are few, and must not hold up what is live. */
  #nextLate(moment: Moment): OutboxAction | undefined {
    const lane = this.#late[0];
    if (lane === undefined || lane.inFlight > 0) return undefined;
    const call = lane.next(moment, this.#sets, false);
    return call === undefined ? undefined : { kind: 'sendLate', call, ...marked(lane.markOf(call)) };
  }

  #onClaimed(answer: ClaimAnswer & { kind: 'claimed' }, moment: Moment): void {
    const { token, before } = answer;
    if (token.epoch <= this.#refusedEpoch) return;
    const old = this.#lane;
    this.#lane = undefined;
    this.#claimAnew = false;
    // Another owner's calls were accepted after this shard's: what it holds is older than what readers have.
    if (old !== undefined && before !== undefined && compareTokens(before.token, old.token) > 0) this.#goLate(old);
    else if (old !== undefined) {
      const last = before !== undefined && compareTokens(before.token, old.token) === 0 ? before.n : 0;
      this.#accepted(old, last);
      const lost = old.log.after(last);
      // A fence that knows this token says what it accepted; one that lost its data may have published more.
      this.#staged = old.takeBack(before === undefined || compareTokens(before.token, old.token) !== 0);
      for (const [uid, gap] of lost) {
        this.counters.lostBySink += gap.ticks ?? 0;
        this.#staged.owe(uid, gap);
      }
    }
    const resumed = this.#resumeRestored(before);
    const goesOn = resumed || (old !== undefined && !old.late);
    this.#lane = new CallLane(this.#options, {
      token,
      backlog: this.#staged,
      previous: old !== undefined && !old.late ? new Map([...answer.previous, ...old.previous()]) : answer.previous,
      newOwner: !goesOn,
      overlapUntil: !goesOn && before !== undefined ? moment.time : 0,
      monotonic: moment.monotonic,
    });
    this.#staged = new Backlog(this.#nextId);
    this.#lanesChanged = true;
    this.#claimed = token;
    this.#above = token;
    this.#beatenBy = undefined;
  }

  /**
   * The sink says what it accepted last, so it is known where a process before this one stood. Returns whether that one's
   * token was the last: then what it left goes on live, else late.
   */
  #resumeRestored(before: { readonly token: Token; readonly n: number } | undefined): boolean {
    const restored = this.#restored;
    const token = restored?.token;
    this.#restored = undefined;
    if (restored === undefined || token === undefined) return false;
    if (before !== undefined && compareTokens(before.token, token) > 0) {
      this.#splitRestored({ ...restored, token });
      return false;
    }
    if (before === undefined) {
      // It lost its data, so it can't say what it has published of this.
      const sent = Math.max(0, ...restored.marks.map(({ through }) => through));
      for (const held of this.#staged.items()) if (held.id <= sent) held.mayRepeat = true;
    } else this.#forget(this.#staged.removeThrough(acceptedBy(restored.marks, before.token, before.n).through));
    return true;
  }

  /** What a process before this one left goes late, under its own token; what was gathered since waits. */
  #splitRestored(restored: RestoredLane): void {
    const last = restored.held.at(-1)?.id ?? 0;
    const backlog = new Backlog(restored.from);
    for (const held of this.#staged.removeThrough(last)) backlog.push(held);
    const fresh = new Backlog(last + 1);
    fresh.adopt(this.#staged);
    this.#staged = fresh;
    this.#late.push(this.#restoredLane(restored, backlog));
    this.#dropEmptyLanes();
    this.#lanesChanged = true;
  }

  #restoredLane({ token = { epoch: 0, claim: 0 }, marks, seqs }: RestoredLane, backlog: Backlog): CallLane {
    const start: LaneStart = {
      token,
      backlog,
      previous: new Map(),
      newOwner: false,
      overlapUntil: 0,
      monotonic: 0,
      restored: { marks, seqs },
    };
    const lane = new CallLane(this.#options, start);
    lane.becomeLate();
    return lane;
  }

  /** Accepted from a process before this one: they were never this one's to deliver. */
  #forget(accepted: readonly HeldBatch[]): void {
    for (const held of accepted) {
      this.#release(held);
      this.counters.added -= held.batch.count;
      this.counters.restored -= held.batch.count;
    }
  }

  #onSent(call: Call, outcome: OutboxOutcome): void {
    const lane = this.#lane;
    // Only the lane that sent it: a token that went late or was claimed anew has taken its calls back already.
    const own = [lane, ...this.#late].find((each) => each !== undefined && compareTokens(each.token, call.token) === 0);
    if (own === undefined) return;
    own.answered();
    if (own !== lane) {
      // Sent live, answered after the token was refused: what was accepted must not go late as well.
      if (outcome.kind === 'written' || outcome.kind === 'already') this.#accepted(own, call.n, true);
      else if (outcome.kind === 'refused') this.#accepted(own, lastOf(outcome), true);
      else own.rewind();
      this.#dropEmptyLanes();
      return;
    }
    switch (outcome.kind) {
      case 'written':
      case 'already':
        this.#accepted(own, call.n);
        return;
      case 'gap':
        this.#accepted(own, outcome.last);
        // What was accepted once and is gone can't be sent under its number again: a new token says what is missing.
        if (outcome.last + 1 < own.firstHeld) this.#claimAnew = true;
        own.rewind();
        return;
      case 'refused':
        this.#onRefused(call.token.epoch, outcome.newest, lastOf(outcome));
        return;
      case 'claimFirst':
        this.#claimAnew = true;
        own.rewind();
        return;
      case 'ended':
        this.#onEnded();
        return;
      default:
        own.rewind();
    }
  }

  #onLate(call: Call, outcome: OutboxOutcome): void {
    const lane = this.#late.find((each) => compareTokens(each.token, call.token) === 0);
    if (lane === undefined) return;
    lane.answered();
    if (lane.probing) {
      if (outcome.kind === 'gap') this.#forget(lane.resume(outcome.last));
      else if (outcome.kind === 'ended' || outcome.kind === 'refused') this.#discard(lane);
    } else if (outcome.kind === 'written' || outcome.kind === 'already') this.#accepted(lane, call.n);
    else if (outcome.kind === 'gap') {
      this.#accepted(lane, outcome.last);
      if (outcome.last + 1 < lane.firstHeld) lane.renumber(outcome.last);
      else lane.rewind();
    } else if (outcome.kind === 'ended' || outcome.kind === 'refused') this.#discard(lane);
    else lane.rewind();
    this.#dropEmptyLanes();
  }

  #onRefused(epoch: number, newest: Token, last = 0): void {
    const lane = this.#lane;
    if (lane !== undefined && lane.token.epoch === epoch) this.#accepted(lane, last);
    this.#refusedEpoch = Math.max(this.#refusedEpoch, epoch);
    if (this.#beatenBy === undefined || compareTokens(newest, this.#beatenBy) > 0) this.#beatenBy = newest;
    // A newer epoch of its own may be on its way to be claimed: what is held then waits for that answer.
    if (this.#named > this.#refusedEpoch) {
      this.#claimAnew = true;
      lane?.rewind();
      return;
    }
    this.#claimed = undefined;
    this.#lane = undefined;
    const restored = this.#restored;
    this.#restored = undefined;
    if (restored?.token !== undefined) this.#splitRestored(restored);
    this.#refusedLane = lane ?? this.#unclaimed(epoch);
    this.#goLate(this.#refusedLane);
  }

  /** Held without ever having claimed: claim 0 of the epoch stands for it. */
  #unclaimed(epoch: number): CallLane {
    const token = { epoch, claim: 0 };
    const start = { token, backlog: this.#staged, previous: new Map(), newOwner: false, overlapUntil: 0, monotonic: 0 };
    return new CallLane(this.#options, start);
  }

  #goLate(lane: CallLane): void {
    lane.becomeLate();
    this.#staged = new Backlog(this.#nextId);
    this.#lanesChanged = true;
    if (lane.empty && lane.inFlight === 0) return;
    this.#late.push(lane);
    if (this.#late.length > maxLateLanes) this.#discard(this.#late[0]!);
    this.#dropEmptyLanes();
  }

  #onEnded(): void {
    this.#ended = true;
    this.#claimed = undefined;
    for (const lane of [this.#lane, ...this.#late]) if (lane !== undefined) this.#discard(lane);
    this.#late.length = 0;
    this.#lane = undefined;
    this.#restored = undefined;
    for (let held = this.#staged.shift(); held !== undefined; held = this.#staged.shift()) {
      this.#release(held);
      this.counters.discarded += held.batch.count;
    }
  }

  #accepted(lane: CallLane, n: number, live = !lane.late): void {
    for (const held of lane.accept(n)) {
      const { batch } = held;
      this.#release(held);
      if (!live) this.counters.late += batch.count;
      else {
        this.counters.published += batch.count;
        this.counters.batchesPublished++;
      }
    }
  }

  #discard(lane: CallLane): void {
    const backlog = lane.takeBack(false);
    for (let held = backlog.shift(); held !== undefined; held = backlog.shift()) {
      this.#release(held);
      this.counters.discarded += held.batch.count;
    }
    this.#dropEmptyLanes();
  }

  #dropEmptyLanes(): void {
    for (let i = this.#late.length - 1; i >= 0; i--) {
      const lane = this.#late[i]!;
      if (lane.empty && lane.inFlight === 0) this.#late.splice(i, 1);
    }
  }

  /** Only what was never sent can be dropped: a call in flight may have been written already. */
  #makeRoom(): void {
    const { spill } = this.#options;
    if (!this.#full) return;
    const backlogs = [...this.#late.map((lane) => lane.backlog), this.#incoming];
    if (spill !== undefined) {
      // What the spool has too can be read again. It is what was read ahead, or came back from calls.
      for (const backlog of backlogs) {
        for (const held of backlog.items()) {
          if (held.place === undefined || held.evicted === true) break;
          this.#evict(held);
        }
      }
    }
    for (const backlog of backlogs) {
      while (this.#full) {
        const dropped = backlog.dropResident();
        if (dropped === undefined) break;
        this.#release(dropped);
        this.counters.dropped += dropped.batch.count;
      }
    }
    this.#dropEmptyLanes();
  }

  get #full(): boolean {
    const { maxBytes, maxBatches } = this.#options;
    return this.counters.heldBytes > maxBytes || this.#residentBatches > maxBatches;
  }

  #dropStored(lost: (held: HeldBatch) => boolean): { readonly id: number; readonly gap: Gap }[] {
    const remember: { id: number; gap: Gap }[] = [];
    for (const backlog of this.#backlogs) {
      const { dropped, told } = backlog.dropAll(lost);
      for (const held of dropped) {
        this.#release(held);
        this.counters.dropped += held.batch.count;
      }
      for (const { id, gap, place } of told) if (place !== undefined && gap !== undefined) remember.push({ id, gap });
    }
    this.#dropEmptyLanes();
    return remember;
  }

  #evict(held: HeldBatch): void {
    if (held.evicted === true) return;
    held.evicted = true;
    // Its memory is not given back by hand: a call that was taken back may still be on its way out with it.
    const { release: _, ...batch } = held.batch;
    held.batch = { ...batch, body: '', latest: [] };
    this.counters.heldBytes -= held.bytes;
    this.#residentBatches--;
  }

  #unplace(held: HeldBatch): void {
    if (held.place === undefined) return;
    this.#options.spill?.released(held.place);
    held.place = undefined;
    this.counters.spooled -= held.batch.count;
    this.counters.spooledBatches--;
  }

  #release(held: HeldBatch): void {
    held.gone = true;
    this.counters.held -= held.batch.count;
    this.counters.heldBatches--;
    if (held.evicted !== true) {
      this.counters.heldBytes -= held.bytes;
      this.#residentBatches--;
    }
    this.#unplace(held);
  }
}

function lastOf(outcome: { readonly kind: 'refused'; readonly last?: number }): number {
  return outcome.last ?? 0;
}

function marked(mark: SentMark | undefined): { mark?: SentMark } {
  return mark === undefined ? {} : { mark };
}

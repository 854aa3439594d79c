import type { SliceSet, Token } from '../../crds/index.ts';
import type { Gap } from '../delivery.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import type { Call, ClaimAnswer } from '../sinks/sink.ts';
import { compareTokens } from '../sinks/token.ts';
import { Backlog, type HeldBatch, heldBytes } from './backlog.ts';
import { CallLane, type LaneOptions, type LaneStart, type Moment } from './call-lane.ts';
import { HeldBatches } from './held-batches.ts';
import { LateLanes } from './late-lanes.ts';
import type { OutboxAction, OutboxOutcome, OutboxState } from './outbox-actions.ts';
import type { OutboxCounters } from './outbox-counters.ts';
import { OutboxSpill, type SpillOptions, type SpillSource } from './outbox-spill.ts';
import { SliceSets } from './slice-sets.ts';
import { acceptedBy, type SentMark } from './spool/lane-state.ts';
import type { Restored, RestoredLane } from './spool/work.ts';

export interface OutboxOptions extends LaneOptions {
  /** Bounds of what waits for the sink; past either, the oldest batches are dropped and counted. */
  readonly maxBytes: number;
  readonly maxBatches: number;
  /** Milliseconds by which one of two connections of an account may be behind the other; default 0. */
  readonly feedSkew?: number;
  /** What waits beyond these goes to a spool; see {@link Outbox.spill}. Without it everything stays in memory. */
  readonly spill?: SpillOptions;
}

/**
 * What one slice's shard has to say to the sink, in order: claims, stamps, keeps what was not accepted, and follows every
 * answer (PROTOCOL 2, 3 and 7). Pure: it is asked for the next action, and told the outcome.
 */
export class Outbox {
  readonly counters: OutboxCounters;
  readonly spill: OutboxSpill;
  readonly #options: OutboxOptions;
  readonly #held: HeldBatches;
  readonly #sets = new SliceSets();
  /** Gathered before the first claim, or since the last token went late. */
  #staged = new Backlog(1);
  #lane: CallLane | undefined;
  readonly #late: LateLanes;
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
  /** The newest mark that the sink told of, and whether the lane knows of it. */
  #mark: { readonly mark: string; told: boolean } | undefined;
  /** The newest epoch that it is named in as a successor that holds all that the sink lacks. */
  #warmEpoch = 0;
  /** It may be named again, so what the refused token leaves is not given up as late yet. */
  #standing = false;
  /** The lane that a process before this one left, in `#staged`, until the sink says where it stands. */
  #restored: RestoredLane | undefined;
  /** When the process before this one received its last tick that is known, and the sets that were told. */
  #interrupted: { readonly at: number; readonly told: Set<string> } | undefined;

  constructor(options: OutboxOptions) {
    const { maxBytes, maxBatches, spill } = options;
    this.#options = options;
    this.#held = new HeldBatches({ maxBytes, maxBatches, released: (place) => spill?.released(place) });
    this.#late = new LateLanes(this.#held);
    this.counters = this.#held.counters;
    this.spill = new OutboxSpill(this.#held, this.#spillSource(), spill);
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

  /**
   * Names the owner's epoch. `above`: the highest claim of that epoch that is known from elsewhere. `warm`: what is added
   * next goes on from what the sink has, without a gap.
   */
  name(epoch: number, above = 0, warm = false): void {
    if (compareTokens({ epoch, claim: above }, this.#above) > 0) this.#above = { epoch, claim: above };
    if (epoch <= this.#named) return;
    this.#named = epoch;
    if (warm) this.#warmEpoch = epoch;
    if (this.#refusedLane !== undefined) this.#staged = new Backlog(this.#nextId);
    this.#refusedLane = undefined;
  }

  /** The newest epoch that it was named in. */
  get named(): number {
    return this.#named;
  }

  /**
   * It is a successor, or no longer. A successor that is refused keeps what follows the last accepted call: named again
   * before another's call was accepted, it delivers that live. See {@link Outbox.superseded}.
   */
  stand(standing: boolean): void {
    this.#standing = standing;
  }

  /** Another has delivered what the refused token left, or it is a successor no longer: that can only be late. */
  superseded(): void {
    this.#late.unpark();
  }

  /** A successor's mark that is to be echoed; first {@link add} everything that was received before now. */
  get newMark(): string | undefined {
    return this.#mark?.told === false && this.#lane !== undefined ? this.#mark.mark : undefined;
  }

  /** Calls that hold all that was added so far echo the mark. */
  echo(): void {
    const { newMark } = this;
    if (newMark === undefined || this.#mark === undefined) return;
    this.#mark.told = true;
    this.#lane?.echo(newMark, this.#nextId - 1);
  }

  /**
   * Takes over the sets that batches and heartbeats go to. What is held of a set that left is delivered, and the last
   * batch says `end`; {@link add} what is still gathered of it before the next action is asked for.
   */
  configure(sets: readonly SliceSet[]): void {
    this.#sets.configure(sets);
  }

  /** Takes what was gathered for another owner: what is of a set that is gone by now is nobody's any more. */
  adopt(batch: GatheredBatch): void {
    if (this.#sets.current.has(batch.setUid)) {
      this.add(batch);
      return;
    }
    this.counters.added += batch.count;
    this.counters.discarded += batch.count;
    batch.release?.();
  }

  /** Takes one batch. Past the bound the oldest that was not sent yet is dropped, and the next one says so. */
  add(batch: GatheredBatch): void {
    if (batch.count === 0) return;
    const set = this.#sets.find(batch.setUid);
    this.counters.added += batch.count;
    if (set === undefined || this.#ended) {
      this.counters.discarded += batch.count;
      return;
    }
    const bytes = heldBytes(batch);
    const gap = this.#restartGap(batch);
    const held: HeldBatch = { id: this.#nextId++, batch, set, bytes, gap, mayRepeat: batch.overlap === true };
    this.#incoming.push(held);
    this.#held.take(held);
    if (this.#refusedLane !== undefined) this.#late.add(this.#refusedLane);
    this.spill.makeRoom();
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
        this.#held.restore(held);
      }
      if (i < lanes.length - 1 || lane.late) this.#late.add(this.#restoredLane(lane, backlog));
      else {
        this.#restored = lane;
        this.#staged = backlog;
      }
    }
    if (this.#restored === undefined) this.#staged = new Backlog(this.#nextId);
  }

  /** Says in the next batch of every set that ticks are missing; what is held already comes before the gap. */
  tellGap(gap: Gap): void {
    for (const uid of this.#sets.current.keys()) this.#incoming.announce(uid, gap);
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
    const lanes = [...this.#late.all];
    for (const lane of [this.#refusedLane, this.#lane])
      if (lane !== undefined && !lanes.includes(lane)) lanes.push(lane);
    return lanes;
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
      const request = {
        sliceUid: this.#options.sliceUid,
        epoch: this.#named,
        above,
        setUids: [...this.#sets.current.keys()],
      };
      return { kind: 'claim', request };
    }
    const call = lane.next(moment, this.#sets.current, this.#finishing);
    if (call !== undefined) return { kind: 'send', call, ...marked(lane.markOf(call)) };
    if (this.#finishing && lane.ended && lane.inFlight === 0 && this.#late.empty) {
      this.#endInFlight = true;
      return { kind: 'end', token: lane.token };
    }
    return undefined;
  }

  /** Late calls go one at a time: they are few, and must not hold up what is live. */
  #nextLate(moment: Moment): OutboxAction | undefined {
    const lane = this.#late.sends;
    if (lane === undefined || lane.inFlight > 0) return undefined;
    const call = lane.next(moment, this.#sets.current, false);
    return call === undefined ? undefined : { kind: 'sendLate', call, ...marked(lane.markOf(call)) };
  }

  #onClaimed(answer: ClaimAnswer & { kind: 'claimed' }, moment: Moment): void {
    const { token, before } = answer;
    if (token.epoch <= this.#refusedEpoch) return;
    const parked = this.#late.resumeParked(before?.token);
    const old = this.#lane ?? parked;
    this.#lane = undefined;
    this.#mark = undefined;
    this.#claimAnew = false;
    // Another owner's calls were accepted after this shard's: what it holds is older than what readers have.
    if (old !== undefined && before !== undefined && compareTokens(before.token, old.token) > 0) this.#goLate(old);
    else if (old !== undefined) {
      const last = before !== undefined && compareTokens(before.token, old.token) === 0 ? before.n : 0;
      this.#accepted(old, last, true);
      const lost = old.log.after(last);
      // A fence that knows this token says what it accepted; one that lost its data may have published more.
      const since = this.#staged;
      this.#staged = old.takeBack(before === undefined || compareTokens(before.token, old.token) !== 0);
      this.#staged.adopt(since);
      for (const [uid, gap] of lost) {
        this.counters.lostBySink += gap.ticks ?? 0;
        this.#staged.owe(uid, gap);
      }
    }
    const resumed = this.#resumeRestored(before);
    const former = old !== undefined && (old === parked || !old.late) ? old : undefined;
    const goesOn = resumed || former !== undefined;
    const warm = token.epoch === this.#warmEpoch;
    if (!goesOn && before !== undefined) this.counters[warm ? 'takenOverWarm' : 'takenOverCold']++;
    this.#lane = new CallLane(this.#options, {
      token,
      backlog: this.#staged,
      previous: former === undefined ? answer.previous : new Map([...answer.previous, ...former.previous()]),
      newOwner: !goesOn && !warm,
      overlapUntil: !goesOn && before !== undefined ? moment.time + (this.#options.feedSkew ?? 0) * 1000 : 0,
      monotonic: moment.monotonic,
      leaving: this.#sets.leaving,
    });
    this.#staged = new Backlog(this.#nextId);
    this.spill.lanesChanged = true;
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
    this.#late.add(this.#restoredLane(restored, backlog));
    this.spill.lanesChanged = true;
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
      this.#held.release(held);
      this.counters.added -= held.batch.count;
      this.counters.restored -= held.batch.count;
    }
  }

  #onSent(call: Call, outcome: OutboxOutcome): void {
    const lane = this.#lane;
    // Only the lane that sent it: a token that went late or was claimed anew has taken its calls back already.
    const own = lane !== undefined && compareTokens(lane.token, call.token) === 0 ? lane : this.#late.of(call.token);
    if (own === undefined) return;
    own.answered();
    if (own !== lane) {
      // Sent live, answered after the token was refused: what was accepted must not go late as well.
      if (outcome.kind === 'written' || outcome.kind === 'already') this.#accepted(own, call.n, true);
      else if (outcome.kind === 'refused') this.#accepted(own, lastOf(outcome), true);
      else own.rewind();
      this.#late.dropEmpty();
      return;
    }
    switch (outcome.kind) {
      case 'written':
      case 'already':
        this.#accepted(own, call.n);
        this.#onMark(outcome.mark);
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

  #onMark(mark: string | undefined): void {
    if (mark !== undefined && mark !== this.#mark?.mark) this.#mark = { mark, told: false };
  }

  #onLate(call: Call, outcome: OutboxOutcome): void {
    const lane = this.#late.of(call.token);
    if (lane === undefined) return;
    lane.answered();
    if (lane.probing) {
      if (outcome.kind === 'gap') this.#forget(lane.resume(outcome.last));
      else if (outcome.kind === 'ended' || outcome.kind === 'refused') this.#late.discard(lane);
    } else if (outcome.kind === 'written' || outcome.kind === 'already') this.#accepted(lane, call.n);
    else if (outcome.kind === 'gap') {
      this.#accepted(lane, outcome.last);
      if (outcome.last + 1 < lane.firstHeld) lane.renumber(outcome.last);
      else lane.rewind();
    } else if (outcome.kind === 'ended' || outcome.kind === 'refused') this.#late.discard(lane);
    else lane.rewind();
    this.#late.dropEmpty();
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
    if (this.#standing) this.#late.park(this.#refusedLane);
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
    this.spill.lanesChanged = true;
    if (!lane.empty || lane.inFlight > 0) this.#late.add(lane);
  }

  #onEnded(): void {
    this.#ended = true;
    this.#claimed = undefined;
    if (this.#lane !== undefined) this.#late.discard(this.#lane);
    this.#late.clear();
    this.#lane = undefined;
    this.#restored = undefined;
    for (let held = this.#staged.shift(); held !== undefined; held = this.#staged.shift()) this.#held.discard(held);
  }

  #accepted(lane: CallLane, n: number, live = !lane.late): void {
    for (const held of lane.accept(n)) {
      const { batch } = held;
      this.#held.release(held);
      if (!live) this.counters.late += batch.count;
      else {
        this.counters.published += batch.count;
        this.counters.batchesPublished++;
      }
    }
  }

  #spillSource(): SpillSource {
    const outbox = this;
    return {
      get lanes() {
        return outbox.#lanes;
      },
      get sending() {
        return [outbox.#lane, outbox.#late.sends].filter((lane) => lane !== undefined);
      },
      get staged() {
        return outbox.#staged;
      },
      get incoming() {
        return outbox.#incoming;
      },
      stagedState: (first) => {
        const restored = this.#restored;
        return {
          from: this.#staged.from,
          ...(restored?.token === undefined ? {} : { token: restored.token }),
          late: false,
          accepted: restored?.accepted ?? first.id - 1,
          seqs: restored?.seqs ?? {},
        };
      },
      dropped: () => this.#late.dropEmpty(),
    };
  }
}

function lastOf(outcome: { readonly kind: 'refused'; readonly last?: number }): number {
  return outcome.last ?? 0;
}

function marked(mark: SentMark | undefined): { mark?: SentMark } {
  return mark === undefined ? {} : { mark };
}

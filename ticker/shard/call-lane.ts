import type { SliceSet, Token } from '../../crds/index.ts';
import { isBarsUid } from '../bars/bar-set.ts';
import { type BatchHeader, deliveryVersion, type Gap, type Previous } from '../delivery.ts';
import { sliceChannel } from '../sinks/channels.ts';
import type { Call, SealedBatch } from '../sinks/sink.ts';
import { compareTokens } from '../sinks/token.ts';
import { AcceptedLog } from './accepted-log.ts';
import type { Backlog, HeldBatch } from './backlog.ts';
import { mergeGaps } from './gaps.ts';
import type { LeavingSets } from './leaving-sets.ts';
import { SetSequences } from './set-sequences.ts';
import { acceptedBy, type LaneState, type SentMark } from './spool/lane-state.ts';

/** A moment on both scales: `time` in microseconds since the Unix epoch, `monotonic` in milliseconds. */
export interface Moment {
  readonly time: number;
  readonly monotonic: number;
}

/** What a lane needs to know of its slice, and its bounds. */
export interface LaneOptions {
  /** `namespace/name` */
  readonly slice: string;
  readonly sliceUid: string;
  readonly shard: string;
  readonly callsInFlight: number;
  readonly batchesPerCall: number;
  readonly bytesPerCall: number;
  /** Milliseconds. */
  readonly heartbeat: number;
  readonly assemble: (header: BatchHeader, body: string | Uint8Array) => string | Uint8Array;
  /** The body of a heartbeat. */
  readonly emptyBody: (format: SliceSet['delivery']['format']) => string | Uint8Array;
}

export interface LaneStart {
  readonly token: Token;
  readonly backlog: Backlog;
  /** The last batch before this token, by the set's UID. */
  readonly previous: ReadonlyMap<string, Previous>;
  /** Another shard delivered before and this one was not warm: the first batch of each set says that ticks are missing. */
  readonly newOwner: boolean;
  /** Ticks received before this (microseconds since the epoch) may have been delivered by the owner before, for its connection may have been ahead. */
  readonly overlapUntil: number;
  readonly monotonic: number;
  /** Sets whose channels are to be told that the slice has no more for them. */
  readonly leaving?: LeavingSets;
  /** What is known of the calls of a process before this one: where the sink is must be asked first. */
  readonly restored?: RestoredCalls;
}

/** Calls that an earlier process sent under a token, as far as its spool told them. */
export interface RestoredCalls {
  readonly marks: readonly SentMark[];
  /** The last accepted `seq` of each set when that was noted last. */
  readonly seqs: Readonly<Record<string, number>>;
}

/** A call that waits for its answer. */
interface OpenCall {
  call: Call;
  readonly held: HeldBatch[];
  /** Sets that left the slice, and that it says so of. */
  readonly left: readonly SliceSet[];
}

/** Marks that wait for the calls that echo them; beyond, the newest waits no longer than the one before it. */
const echoesKept = 8;

/** Above every `n`: the sink's answer to it says which it accepted last, and nothing is written. */
const probeNumber = Number.MAX_SAFE_INTEGER;

/**
 * The calls of one token: numbered from 1 without a gap, several in flight, each kept until it is answered, sent again
 * from the first unanswered one after a fault (go-back-N). Live until the sink refuses the token; what it lacks then
 * goes on under the same token and numbers as late. Pure: no clock, no I/O.
 */
export class CallLane {
  readonly token: Token;
  readonly backlog: Backlog;
  readonly log = new AcceptedLog();
  readonly #options: LaneOptions;
  readonly #start: LaneStart;
  readonly #sequences = new SetSequences();
  #opened: OpenCall[] = [];
  #n = 0;
  #toSend = 0;
  #inFlight = 0;
  #settling = false;
  #late = false;
  #lastOpened: number;
  #endSaid = false;
  /** Sets that left, and of which a call says so. */
  readonly #left = new Set<SliceSet>();
  /** A successor's marks, and the last batch that must be in a call, or in one before it, that echoes them; oldest first. */
  readonly #echoes: { mark: string; through: number }[] = [];
  #restored: RestoredCalls | undefined;
  #run = 0;

  constructor(options: LaneOptions, start: LaneStart) {
    this.#options = options;
    this.#start = start;
    this.token = start.token;
    this.backlog = start.backlog;
    this.#lastOpened = start.monotonic - options.heartbeat;
    this.#restored = start.restored;
  }

  /** It must learn first what the sink has of a process before this one; see {@link CallLane.resume}. */
  get probing(): boolean {
    return this.#restored !== undefined;
  }

  /** What its open calls hold, in order. */
  *heldOpen(): Generator<HeldBatch> {
    for (const { held } of this.#opened) yield* held;
  }

  /** What the spool must know before `call` is sent; undefined where it has nothing of it. */
  markOf(call: Call): SentMark | undefined {
    const open = this.#opened.find((each) => each.call === call);
    return open === undefined ? undefined : this.#mark(open);
  }

  /** The same of every open call. */
  openMarks(): SentMark[] {
    return this.#opened.map((open) => this.#mark(open)).filter((mark) => mark !== undefined);
  }

  /** How it stands, for a process that comes after this one. */
  state(): LaneState {
    const seqs = this.#sequences.accepted(this.#restored?.seqs);
    const first = this.#opened.find(({ held }) => held.length > 0)?.held[0] ?? this.backlog.first;
    const { from } = this.backlog;
    return {
      from,
      token: this.token,
      late: this.#late,
      accepted: first === undefined ? this.backlog.accepted : first.id - 1,
      seqs,
    };
  }

  /** The sink accepted up to `last` of this token. Takes away what that was, and goes on from there. */
  resume(last: number): HeldBatch[] {
    const restored = this.#restored;
    if (restored === undefined) return [];
    this.#restored = undefined;
    this.#n = last;
    for (const { token, run } of restored.marks) {
      if (compareTokens(token, this.token) === 0) this.#run = Math.max(this.#run, run + 1);
    }
    const { through, seqs } = acceptedBy(restored.marks, this.token, last);
    this.#sequences.resume({ ...restored.seqs, ...seqs });
    return this.backlog.removeThrough(through);
  }

  get late(): boolean {
    return this.#late;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Everything was said and accepted. */
  get empty(): boolean {
    return this.#opened.length === 0 && this.backlog.length === 0;
  }

  get ended(): boolean {
    return this.#endSaid && this.empty;
  }

  /** Monotonic milliseconds at which a heartbeat is due; Infinity where only an answer can bring anything on. */
  get heartbeatDue(): number {
    if (this.#late || this.#endSaid || (this.#settling && this.#inFlight > 0)) return Number.POSITIVE_INFINITY;
    return this.#lastOpened + this.#options.heartbeat;
  }

  /** The last accepted batch of each set: what the next token's first batches name. */
  previous(): Map<string, Previous> {
    return this.#sequences.previous(this.#start.previous, this.token);
  }

  /** The next call to send now, if any. `sets` are those of the slice; `finish` asks for the last batches to be marked. */
  next(moment: Moment, sets: ReadonlyMap<string, SliceSet>, finish: boolean): Call | undefined {
    if (this.#settling && this.#inFlight > 0) return undefined;
    this.#settling = false;
    if (this.#restored !== undefined) {
      this.#inFlight++;
      return { sliceUid: this.#options.sliceUid, token: this.token, n: probeNumber, batches: [] };
    }
    if (this.#toSend === this.#opened.length && !this.#open(moment, sets, finish)) return undefined;
    this.#inFlight++;
    return this.#opened[this.#toSend++]!.call;
  }

  /** A successor has left this mark. Everything that was received before is held, up to batch `through`. */
  echo(mark: string, through: number): void {
    if (this.#echoes.length >= echoesKept) this.#echoes.pop();
    this.#echoes.push({ mark, through });
  }

  /** An answer came, or the wait for it ended. */
  answered(): void {
    this.#inFlight--;
  }

  /** Accepted up to `n` (acceptance is contiguous). Returns what was accepted by that. */
  accept(n: number): HeldBatch[] {
    let count = 0;
    while (count < this.#opened.length && this.#opened[count]!.call.n <= n) count++;
    const accepted = this.#opened.splice(0, count);
    this.#toSend = Math.max(0, this.#toSend - count);
    for (const { call, held, left } of accepted) {
      for (const set of left) {
        this.#left.delete(set);
        this.#start.leaving?.told(set);
      }
      for (const { header, setUid } of call.batches) this.#sequences.accept(setUid, header.seq);
      this.log.add(call.n, held);
      this.backlog.accepted = held.at(-1)?.id ?? this.backlog.accepted;
      // The sink has read it all; what is sent of it once more, it passes over by its number. The spool may not have.
      for (const { batch, storing } of held) if (storing !== true) batch.release?.();
    }
    return accepted.flatMap(({ held }) => held);
  }

  /** Lowest `n` that is still held. */
  get firstHeld(): number {
    return this.#opened[0]?.call.n ?? this.#n + 1;
  }

  /** Goes back to the first unanswered call once nothing is in flight: an answer that is still to come may name it. */
  rewind(): void {
    this.#toSend = 0;
    this.#settling = true;
  }

  /**
   * Takes back everything that was not accepted, to be stamped under a new token. `unsure`: what was sent may have been
   * published all the same.
   */
  takeBack(unsure: boolean): Backlog {
    if (unsure) for (const { held } of this.#opened) for (const each of held) each.mayRepeat = true;
    const returned = this.#opened.flatMap(({ held }) => held);
    for (const each of returned) each.open = false;
    this.backlog.unshift(returned);
    this.#opened = [];
    this.#toSend = 0;
    return this.backlog;
  }

  /** The sink refuses this token: what it lacks is kept under the same numbers, marked, without heartbeats. */
  becomeLate(): void {
    this.#late = true;
    for (const open of this.#opened) {
      const batches = open.call.batches.filter(({ header }) => header.count > 0);
      open.call = {
        ...open.call,
        batches: batches.map(({ header: { end: _, ...header } }, i) =>
          this.#assemble({ ...header, late: true }, open.held[i]!),
        ),
      };
    }
    this.rewind();
  }

  /** The fence has forgotten this token: its numbers go on from what it does know. */
  renumber(last: number): void {
    this.#run++;
    this.#n = last;
    for (const open of this.#opened) open.call = { ...open.call, n: ++this.#n };
    this.rewind();
  }

  #open(moment: Moment, sets: ReadonlyMap<string, SliceSet>, finish: boolean): boolean {
    if (this.#opened.length >= this.#options.callsInFlight) return false;
    const ending = finish && !this.#late && !this.#endSaid;
    const quiet = this.#opened.length === 0 && moment.monotonic >= this.heartbeatDue && !this.#late && !this.#endSaid;
    const echoes = this.#echoes.length > 0 && !this.#late && !this.#endSaid;
    const leaving = this.#late || this.#endSaid ? [] : (this.#start.leaving?.except(this.#left) ?? []);
    const speaks = ending || echoes || leaving.length > 0;
    if (!this.backlog.ready && !(speaks && this.backlog.length === 0) && !quiet) return false;

    const batches: SealedBatch[] = [];
    const held: HeldBatch[] = [];
    let bytes = 0;
    while (this.backlog.ready && held.length < this.#options.batchesPerCall) {
      if (held.length > 0 && bytes + this.backlog.first!.bytes > this.#options.bytesPerCall) break;
      const taken = this.backlog.shift()!;
      taken.open = true;
      bytes += taken.bytes;
      held.push(taken);
      batches.push(this.#seal(taken, moment));
    }
    const { length } = this.backlog;
    // What it held of them is in calls now.
    const left = length === 0 ? leaving : [];
    for (const set of left) this.#left.add(set);
    const end = ending && length === 0;
    this.#endSaid ||= end;
    this.#markEnd(batches, held, moment, end ? [...sets.values(), ...left] : left);
    if (!end && !this.#late) this.#addHeartbeats(batches, moment, sets);

    this.#lastOpened = moment.monotonic;
    const { sliceUid } = this.#options;
    const call = { sliceUid, token: this.token, n: ++this.#n, batches, ...this.#takeEcho() };
    this.#opened.push({ call, held, left });
    return true;
  }

  /** The newest mark whose batches are all in calls by now. */
  #takeEcho(): { echo?: string } {
    const next = this.backlog.first?.id ?? Number.POSITIVE_INFINITY;
    let echo: string | undefined;
    while (this.#echoes[0] !== undefined && this.#echoes[0].through < next) echo = this.#echoes.shift()!.mark;
    return echo === undefined ? {} : { echo };
  }

  #seal(held: HeldBatch, moment: Moment): SealedBatch {
    const { batch, set } = held;
    const sequence = this.#sequences.of(set);
    const seq = ++sequence.seq;
    sequence.said = moment.monotonic;
    const previous = this.#start.previous.get(set.uid) ?? null;
    if (seq === 1 && previous !== null && this.#start.newOwner) {
      // When the owner before delivered last is known to readers, from the batch that `prev` names; not here.
      const cold: Gap = { from: 0, to: batch.firstReceived, why: 'newOwner' };
      held.gap = mergeGaps(held.gap, cold);
    }
    const header: BatchHeader = {
      ...this.#header(set, seq, batch.count, moment),
      ...(seq === 1 ? { prev: previous } : {}),
      ...(held.gap === undefined ? {} : { gap: held.gap }),
      ...(held.mayRepeat || batch.firstReceived < this.#start.overlapUntil ? { overlap: true as const } : {}),
      ...(this.#late ? { late: true as const } : {}),
    };
    return this.#assemble(header, held);
  }

  #assemble(header: BatchHeader, held: HeldBatch): SealedBatch {
    const { batch, set } = held;
    return {
      header,
      setUid: set.uid,
      ...this.#channel(set),
      ...(set.delivery.stream === undefined ? {} : { streamMaxLength: set.delivery.stream.maxLength }),
      payload: this.#options.assemble(header, batch.body),
      ...(set.delivery.latest ? { latest: batch.latest } : {}),
      firstReceived: batch.firstReceived,
      ...(batch.exchangeDelay === undefined ? {} : { exchangeDelay: batch.exchangeDelay }),
    };
  }

  #addHeartbeats(batches: SealedBatch[], moment: Moment, sets: ReadonlyMap<string, SliceSet>): void {
    for (const set of sets.values()) {
      const sequence = this.#sequences.of(set);
      if (moment.monotonic - sequence.said < this.#options.heartbeat) continue;
      sequence.said = moment.monotonic;
      batches.push(this.#heartbeat(set, sequence.seq, moment, false));
    }
  }

  #heartbeat(set: SliceSet, seq: number, moment: Moment, end: boolean): SealedBatch {
    const header: BatchHeader = { ...this.#header(set, seq, 0, moment), ...(end ? { end: true as const } : {}) };
    return {
      header,
      setUid: set.uid,
      ...this.#channel(set),
      payload: this.#options.assemble(header, this.#options.emptyBody(set.delivery.format)),
    };
  }

  /** The last batch of each of the sets says so; one without any in this call says it with a heartbeat. */
  #markEnd(batches: SealedBatch[], held: HeldBatch[], moment: Moment, sets: readonly SliceSet[]): void {
    for (const set of sets) {
      const last = held.findLastIndex((each) => each.set.uid === set.uid);
      if (last < 0) batches.push(this.#heartbeat(set, this.#sequences.of(set).seq, moment, true));
      else batches[last] = this.#assemble({ ...batches[last]!.header, end: true }, held[last]!);
    }
  }

  #header(set: SliceSet, seq: number, count: number, moment: Moment) {
    return {
      v: deliveryVersion,
      set: `${set.namespace}/${set.name}`,
      ...(isBarsUid(set.uid) ? { kind: 'bars' as const } : {}),
      slice: this.#options.slice,
      sliceUid: this.#options.sliceUid,
      shard: this.#options.shard,
      epoch: this.token.epoch,
      claim: this.token.claim,
      seq,
      count,
      time: Math.round(moment.time),
    } as const;
  }

  #channel({ channel, delivery }: SliceSet): { readonly channel?: string } {
    if (!delivery.pubsub) return {};
    return { channel: delivery.sharded ? sliceChannel(channel, this.#options.sliceUid) : channel };
  }

  #mark({ call, held }: OpenCall): SentMark | undefined {
    const last = held.findLast(({ place, storing }) => place !== undefined || storing === true);
    if (last === undefined) return undefined;
    const seqs: Record<string, number> = {};
    for (const { header, setUid } of call.batches) if (header.count > 0) seqs[setUid] = header.seq;
    return { token: call.token, n: call.n, run: this.#run, through: last.id, seqs };
  }
}

import type { Token } from '../crds/index.ts';
import type { BatchHeader } from '../ticker/delivery.ts';
import { BatchSequence } from '../ticker/gateway/batch-sequence.ts';
import { type Batch, parseBatch } from '../ticker/pipeline/format/read.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest } from '../ticker/sinks/sink.ts';
import { compareTokens, formatToken } from '../ticker/sinks/token.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SinkObserver, SinkState } from './sink-network.ts';
import type { TickLedger } from './tick-ledger.ts';
import type { Trace } from './trace.ts';

/** What was accepted of one slice: kept here apart from the sink, which may be wrong. */
interface Accepted {
  token: Token;
  n: number;
  /** Whose token it is. */
  process: SimulatedProcess;
}

/** What is known of what the sink has accepted. */
interface Known {
  readonly accepted: ReadonlyMap<string, Accepted>;
  readonly ended: ReadonlySet<string>;
}

/**
 * What must hold at the sink and for a reader, whatever fails: tokens only rise, calls are contiguous, one process owns
 * a token, and a live reader misses nothing that was published and gets nothing twice unsaid.
 */
export class SinkInvariants implements SinkObserver {
  readonly #accepted = new Map<string, Accepted>();
  readonly #ended = new Set<string>();
  readonly #sequence = new BatchSequence();
  readonly #ledger: TickLedger;
  readonly #trace: Trace;
  readonly #violated: (what: string) => void;
  /** The sink has lost data: what readers have seen of before says nothing about what is accepted now. */
  #wiped = false;
  /** Sets and slices that were read from; and those of them that the sink has forgotten since. */
  readonly #streams = new Set<string>();
  readonly #forgotten = new Set<string>();
  /** By stream: the last batch under a token that readers drop, for they have seen one that the sink has forgotten. */
  readonly #dropped = new Map<string, BatchHeader>();
  /** Sets that were deleted: one of the same name that comes after has nothing before it. */
  readonly #recreated: (set: string) => boolean;
  /** Told of each claim that was granted, and of each gap that a live reader is told of. */
  onClaim: (process: SimulatedProcess, sliceUid: string, token: Token) => void = () => undefined;
  /** Told when the sink loses what it knew. */
  onForgotten: () => void = () => undefined;
  /** Told of each call that was accepted live. */
  onSent: (process: SimulatedProcess, call: Call) => void = () => undefined;
  onGap: (header: BatchHeader) => void = () => undefined;
  claims = 0;
  refusals = 0;

  constructor(ledger: TickLedger, trace: Trace, recreated: (set: string) => boolean, violated: (what: string) => void) {
    this.#recreated = recreated;
    this.#ledger = ledger;
    this.#trace = trace;
    this.#violated = violated;
  }

  get batches(): number {
    return this.#sequence.totals.batches;
  }

  claimed(process: SimulatedProcess, { sliceUid, epoch }: ClaimRequest, answer: ClaimAnswer): void {
    const before = this.#accepted.get(sliceUid);
    if (answer.kind !== 'claimed') {
      this.refusals++;
      this.#trace.add('sink', `claim of epoch ${epoch} by ${process.name} for ${sliceUid.slice(0, 8)}: ${answer.kind}`);
      return;
    }
    this.claims++;
    const { token } = answer;
    this.#trace.add('sink', `${process.name} claims ${formatToken(token)} of ${sliceUid.slice(0, 8)}`);
    if (this.#ended.has(sliceUid)) this.#violated(`slice ${sliceUid} was claimed after its end`);
    if (before !== undefined && compareTokens(token, before.token) <= 0) {
      this.#violated(`slice ${sliceUid}: token ${formatToken(token)} was granted after ${formatToken(before.token)}`);
    }
    this.#accepted.set(sliceUid, { token, n: 0, process });
    this.onClaim(process, sliceUid, token);
  }

  sent(process: SimulatedProcess, call: Call, answer: Answer): void {
    const { sliceUid, token, n } = call;
    if (answer.kind === 'refused') {
      this.refusals++;
      this.#trace.add('sink', `${process.name}: ${formatToken(token)} of ${sliceUid.slice(0, 8)} is refused`);
    }
    if (answer.kind !== 'written') return;
    if (this.#ended.has(sliceUid)) this.#violated(`slice ${sliceUid} was written to after its end`);
    const accepted = this.#accepted.get(sliceUid);
    if (accepted === undefined) {
      this.#violated(`slice ${sliceUid}: a call was accepted before any claim`);
      return;
    }
    const order = compareTokens(token, accepted.token);
    if (order !== 0) {
      const how = order < 0 ? 'older' : 'unclaimed';
      this.#violated(
        `slice ${sliceUid}: the ${how} token ${formatToken(token)} was accepted live, the newest is ${formatToken(accepted.token)}`,
      );
    } else if (process !== accepted.process) {
      this.#violated(`slice ${sliceUid}: two processes send under token ${formatToken(token)}`);
    }
    if (n !== accepted.n + 1) this.#violated(`slice ${sliceUid}: call ${n} was accepted after call ${accepted.n}`);
    accepted.n = n;
    this.onSent(process, call);
  }

  sentLate(process: SimulatedProcess, call: Call, answer: Answer): void {
    if (answer.kind !== 'written') return;
    this.#trace.add('sink', `${process.name}: call ${call.n} of ${formatToken(call.token)} is taken late`);
    for (const { payload } of call.batches) this.#ledger.late(parseBatch(payload));
  }

  ended(process: SimulatedProcess, sliceUid: string, token: Token, answer: Answer): void {
    this.#trace.add('sink', `${process.name} ends ${sliceUid.slice(0, 8)} with ${formatToken(token)}: ${answer.kind}`);
    if (answer.kind === 'written') this.#ended.add(sliceUid);
  }

  state(): Known {
    const copy = (accepted: Accepted): Accepted => ({ ...accepted });
    const accepted = new Map([...this.#accepted].map(([sliceUid, each]) => [sliceUid, copy(each)]));
    return { accepted, ended: new Set(this.#ended) };
  }

  /** From here on an older token may be accepted until the owner has claimed anew; readers drop what comes under it. */
  rolledBack(state: SinkState): void {
    this.wiped();
    const { accepted, ended } = state as Known;
    for (const [sliceUid, each] of accepted) this.#accepted.set(sliceUid, { ...each });
    for (const sliceUid of ended) this.#ended.add(sliceUid);
  }

  wiped(): void {
    this.onForgotten();
    this.#wiped = true;
    for (const stream of this.#streams) this.#forgotten.add(stream);
    this.#ledger.repeatsAllowed = true;
    this.#accepted.clear();
    this.#ended.clear();
  }

  /** Everything has come right: who owns what is known again. */
  settled(): void {
    this.#wiped = false;
  }

  /** What a live reader gets. */
  published(payload: string): void {
    const batch = parseBatch(payload);
    const { header } = batch;
    const { kind, missing, proven, take } = this.#sequence.check(header);
    const where = `${header.set} from ${header.slice}, ${formatToken(header)} seq ${header.seq}`;
    const stream = `${header.set} ${header.sliceUid ?? header.slice}`;
    this.#streams.add(stream);
    if (missing > this.#droppedBefore(header, stream))
      this.#violated(`reader of ${where}: ${missing} batches are missing`);
    if (!this.#wiped) {
      const anew = header.prev === null && this.#recreated(header.set);
      if (!proven && !anew && !this.#forgotten.has(stream))
        this.#violated(`reader of ${where}: nothing shows what came before`);
      if (kind === 'olderToken' || kind === 'late')
        this.#violated(`reader of ${where}: a ${kind} batch on the channel`);
      if (kind === 'duplicate' && header.count > 0) this.#violated(`reader of ${where}: the batch came twice`);
    }
    if (header.count > 0) this.#forgotten.delete(stream);
    if (take) this.#take(batch);
    else if (kind === 'olderToken' && this.#forgotNewer(header)) {
      this.#ledger.outdated(batch);
      if (header.count > 0) this.#dropped.set(stream, header);
    }
  }

  /** Batches that a reader has dropped itself, and lacks by what the first of the next token names. */
  #droppedBefore({ prev }: BatchHeader, stream: string): number {
    const dropped = this.#dropped.get(stream);
    if (prev === null || prev === undefined || dropped === undefined) return 0;
    return compareTokens(prev, dropped) === 0 ? Math.min(prev.seq, dropped.seq) : 0;
  }

  /**
   * After a loss or fallback of the sink the newest token that it knows may be older than what readers have seen, until
   * the owner claims anew: what it takes under that one is in its streams, and the owner has the market's ticks too.
   */
  #forgotNewer(header: BatchHeader): boolean {
    const known = this.#accepted.get(header.sliceUid ?? header.slice);
    return this.#wiped && known !== undefined && compareTokens(header, known.token) === 0;
  }

  #take(batch: Batch): void {
    const { header } = batch;
    if (header.gap !== undefined) {
      this.onGap(header);
      this.#trace.add('reader', `${header.set} is told of a gap: ${header.gap.why}, ticks ${header.gap.ticks ?? '?'}`);
    }
    this.#ledger.live(batch);
  }
}

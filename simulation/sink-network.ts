import type { Token } from '../crds/index.ts';
import type { Clock } from '../runtime/clock.ts';
import { sleep } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { sinkUnavailable } from '../ticker/sinks/errors.ts';
import { MemorySink } from '../ticker/sinks/memory/memory-sink.ts';
import type { SinkReader } from '../ticker/sinks/reader.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest, Sink } from '../ticker/sinks/sink.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** Is told what the sink did, in the order in which it did it. */
export interface SinkObserver {
  claimed(process: SimulatedProcess, request: ClaimRequest, answer: ClaimAnswer): void;
  sent(process: SimulatedProcess, call: Call, answer: Answer): void;
  sentLate(process: SimulatedProcess, call: Call, answer: Answer): void;
  ended(process: SimulatedProcess, sliceUid: string, token: Token, answer: Answer): void;
  wiped(): void;
  /** What is known of what was accepted, to go back to. */
  state(): SinkState;
  rolledBack(state: SinkState): void;
}

/** What an observer knew when a replica was made. */
export type SinkState = object;

export interface SinkNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: SinkObserver;
  /** Called with a reader of the sink at first and after each loss of data, to subscribe anew. */
  readonly follow: (reader: SinkReader) => void;
  /** Puts something in the sink's place, for the check that the invariants see a broken one. */
  readonly alter?: (sink: Sink) => Sink;
}

/** The ways from processes to one sink. */
export class SinkNetwork {
  readonly #options: SinkNetworkOptions;
  #memory: MemorySink;
  #sink: Sink;
  /** Names of processes that cannot reach it; `*` for all. */
  readonly away = new Set<string>();
  /** Milliseconds that a call takes. */
  latency = 1;
  lostReplies = 0;
  /** It answers, and writes nothing, as a Redis without memory. */
  full = false;
  faults = 0;

  constructor(options: SinkNetworkOptions) {
    this.#options = options;
    this.#memory = new MemorySink({ clock: options.clock });
    this.#sink = this.#open();
  }

  heal(): void {
    this.away.clear();
    this.latency = 1;
    this.lostReplies = 0;
    this.full = false;
  }

  /** The sink loses everything, as a Redis that restarts without persistence. */
  wipe(): void {
    this.#memory = new MemorySink({ clock: this.#options.clock });
    this.#sink = this.#open();
    this.#options.observer.wiped();
  }

  /** A replica as it is now; what is returned fails over to it. */
  replicate(): () => void {
    const { observer } = this.#options;
    const replica = this.#memory.replica();
    const state = observer.state();
    const before = this.#memory;
    return () => {
      // The data has been lost meanwhile: there is nothing to fall back to.
      if (this.#memory !== before) return;
      this.#memory = replica;
      this.#sink = this.#open();
      observer.rolledBack(state);
    };
  }

  /** The sink as one process reaches it. */
  connect(process: SimulatedProcess): Sink {
    const { observer } = this.#options;
    let last = 0;
    const call = <T>(act: (sink: Sink) => Promise<T>, observe: (answer: T) => void, writes = true): Promise<T> => {
      // What one process sends arrives in the order of sending.
      const { clock } = this.#options;
      last = Math.max(last, clock.monotonic() + this.latency);
      return process.reply(this.#call(process, last, act, observe, writes));
    };
    return {
      claim: (request) =>
        call(
          (sink) => sink.claim(request),
          (answer) => observer.claimed(process, request, answer),
        ),
      send: (sent) =>
        call(
          (sink) => sink.send(sent),
          (answer) => observer.sent(process, sent, answer),
        ),
      sendLate: (sent) =>
        call(
          (sink) => sink.sendLate(sent),
          (answer) => observer.sentLate(process, sent, answer),
        ),
      mark: (sliceUid, mark) =>
        call(
          (sink) => sink.mark(sliceUid, mark),
          () => undefined,
        ),
      end: (sliceUid, token) =>
        call(
          (sink) => sink.end(sliceUid, token),
          (answer) => observer.ended(process, sliceUid, token, answer),
        ),
      ping: () =>
        call(
          (sink) => sink.ping(),
          () => undefined,
          false,
        ),
      close: () => Promise.resolve(),
    };
  }

  async #call<T>(
    process: SimulatedProcess,
    at: number,
    act: (sink: Sink) => Promise<T>,
    observe: (answer: T) => void,
    writes: boolean,
  ): Promise<T> {
    const { clock, random } = this.#options;
    await sleep(clock, at - clock.monotonic());
    if (this.#unreachable(process)) throw this.#fail('the sink is away');
    if (this.full && writes) throw this.#fail('OOM command not allowed');
    const answer = await act(this.#sink);
    observe(answer);
    if (this.lostReplies > 0 && random.next() < this.lostReplies) throw this.#fail('the answer was lost');
    return answer;
  }

  #unreachable(process: SimulatedProcess): boolean {
    return this.away.has('*') || this.away.has(process.name);
  }

  #fail(message: string): Error {
    this.faults++;
    return sinkUnavailable(message);
  }

  #open(): Sink {
    const { follow, alter } = this.#options;
    follow(this.#memory.reader());
    return alter === undefined ? this.#memory : alter(this.#memory);
  }
}

import type { Token } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { describeError, hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { ForwardingSink } from '../sinks/forwarding-sink.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest, MarkAnswer, Sink } from '../sinks/sink.ts';
import type { Breaker, BreakerSnapshot } from './breaker.ts';
import type { Breakers } from './breakers.ts';
import { circuitOpen } from './errors.ts';
import { Notifier } from './notifier.ts';

export interface GuardedSinkOptions {
  readonly sink: Sink;
  readonly breakers: Breakers;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * A sink behind a circuit breaker for each place of it: while that is away calls are turned away at once
 * (`SINK_CIRCUIT_OPEN`), but for probes. A ping is of all places at once: no breaker of one is asked.
 */
export class GuardedSink extends ForwardingSink {
  /** A breaker has closed, or a connection was made: the sink is back, or may be, there at least. */
  readonly back = new Notifier();
  readonly #options: Omit<GuardedSinkOptions, 'sink'>;
  readonly #endListening: () => void;

  constructor(options: GuardedSinkOptions) {
    super(options.sink);
    this.#options = options;
    const { breakers, clock } = options;
    this.#endListening = this.onReachable((place) => {
      breakers.find(place)?.hurry(clock.monotonic());
      this.back.notify();
    });
  }

  override claim(request: ClaimRequest): Promise<ClaimAnswer> {
    return this.#guard(request.sliceUid, () => super.claim(request));
  }

  override send(call: Call): Promise<Answer> {
    return this.#guard(call.sliceUid, () => super.send(call));
  }

  override sendLate(call: Call): Promise<Answer> {
    return this.#guard(call.sliceUid, () => super.sendLate(call));
  }

  override mark(sliceUid: string, mark: string): Promise<MarkAnswer> {
    return this.#guard(sliceUid, () => super.mark(sliceUid, mark));
  }

  override end(sliceUid: string, token: Token): Promise<Answer> {
    return this.#guard(sliceUid, () => super.end(sliceUid, token));
  }

  /** The sink belongs to whoever made it. */
  override async close(): Promise<void> {
    this.#endListening();
  }

  get snapshot(): BreakerSnapshot {
    return this.#options.breakers.snapshot(this.#options.clock.monotonic());
  }

  #guard<T>(sliceUid: string, act: () => Promise<T>): Promise<T> {
    const { breakers, clock } = this.#options;
    const place = this.placeOf(sliceUid);
    const breaker = breakers.at(place, clock.monotonic());
    const noting = <R>(error: unknown, change: () => R): R => this.#noting(place, breaker, error, change);
    const ticket = noting(undefined, () => breaker.admit(clock.monotonic()));
    if (ticket === undefined) {
      return Promise.reject(circuitOpen('the sink failed repeatedly and is left alone for a moment'));
    }
    // Called in this very turn, so that calls keep their order.
    return act().then(
      (answer) => {
        noting(undefined, () => breaker.succeeded(ticket));
        return answer;
      },
      (error: unknown) => {
        // Any other error is a fault of this program, and says nothing of the sink.
        if (hasCode(error, 'SINK_UNAVAILABLE')) noting(error, () => breaker.failed(ticket, clock.monotonic()));
        else noting(undefined, () => breaker.succeeded(ticket));
        throw error;
      },
    );
  }

  /** Says of each change of state once. Going back and forth between open and half-open is no news. */
  #noting<T>(place: string, breaker: Breaker, error: unknown, act: () => T): T {
    const { log } = this.#options;
    const before = breaker.state;
    const result = act();
    const { state, opened, rejected } = breaker.snapshot;
    if (state === before) return result;
    const line = { event: `breaker.${state}`, place, opened, rejected } as const;
    if (state === 'open' && before === 'closed') log.warn({ ...line, error }, describeError(error));
    else if (state === 'closed') log.info(line, 'the sink answers again');
    else log.debug(line, state);
    if (state === 'closed') this.back.notify();
    return result;
  }
}

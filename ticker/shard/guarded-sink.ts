import type { Token } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { describeError, hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
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
 * (`SINK_CIRCUIT_OPEN`), but for probes.
 */
export class GuardedSink implements Sink {
  /** A breaker has closed: the sink is back, there at least. */
  readonly back = new Notifier();
  readonly #options: GuardedSinkOptions;

  constructor(options: GuardedSinkOptions) {
    this.#options = options;
  }

  claim(request: ClaimRequest): Promise<ClaimAnswer> {
    return this.#guard(request.sliceUid, (sink) => sink.claim(request));
  }

  send(call: Call): Promise<Answer> {
    return this.#guard(call.sliceUid, (sink) => sink.send(call));
  }

  sendLate(call: Call): Promise<Answer> {
    return this.#guard(call.sliceUid, (sink) => sink.sendLate(call));
  }

  mark(sliceUid: string, mark: string): Promise<MarkAnswer> {
    return this.#guard(sliceUid, (sink) => sink.mark(sliceUid, mark));
  }

  end(sliceUid: string, token: Token): Promise<Answer> {
    return this.#guard(sliceUid, (sink) => sink.end(sliceUid, token));
  }

  /** Of all places at once: no breaker of one is asked. */
  ping(): Promise<void> {
    return this.#options.sink.ping();
  }

  placeOf(sliceUid: string): string {
    return this.#options.sink.placeOf?.(sliceUid) ?? 'all';
  }

  /** The sink belongs to whoever made it. */
  async close(): Promise<void> {}

  get snapshot(): BreakerSnapshot {
    return this.#options.breakers.snapshot(this.#options.clock.monotonic());
  }

  #guard<T>(sliceUid: string, act: (sink: Sink) => Promise<T>): Promise<T> {
    const { breakers, clock, sink } = this.#options;
    const place = this.placeOf(sliceUid);
    const breaker = breakers.at(place, clock.monotonic());
    const noting = <R>(error: unknown, change: () => R): R => this.#noting(place, breaker, error, change);
    const ticket = noting(undefined, () => breaker.admit(clock.monotonic()));
    if (ticket === undefined) {
      return Promise.reject(circuitOpen('the sink failed repeatedly and is left alone for a moment'));
    }
    // Called in this very turn, so that calls keep their order.
    return act(sink).then(
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

import type { Token } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { describeError, hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest, MarkAnswer, Sink } from '../sinks/sink.ts';
import type { Breaker } from './breaker.ts';
import { circuitOpen } from './errors.ts';
import { Notifier } from './notifier.ts';

export interface GuardedSinkOptions {
  readonly sink: Sink;
  readonly breaker: Breaker;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A sink behind a circuit breaker: while it is away calls are turned away at once (`SINK_CIRCUIT_OPEN`), but for probes. */
export class GuardedSink implements Sink {
  /** The breaker has closed: the sink is back. */
  readonly back = new Notifier();
  readonly #options: GuardedSinkOptions;

  constructor(options: GuardedSinkOptions) {
    this.#options = options;
  }

  claim(request: ClaimRequest): Promise<ClaimAnswer> {
    return this.#guard((sink) => sink.claim(request));
  }

  send(call: Call): Promise<Answer> {
    return this.#guard((sink) => sink.send(call));
  }

  sendLate(call: Call): Promise<Answer> {
    return this.#guard((sink) => sink.sendLate(call));
  }

  mark(sliceUid: string, mark: string): Promise<MarkAnswer> {
    return this.#guard((sink) => sink.mark(sliceUid, mark));
  }

  end(sliceUid: string, token: Token): Promise<Answer> {
    return this.#guard((sink) => sink.end(sliceUid, token));
  }

  ping(): Promise<void> {
    return this.#guard((sink) => sink.ping());
  }

  /** The sink belongs to whoever made it. */
  async close(): Promise<void> {}

  /** Monotonic milliseconds before which every call would be turned away. */
  get notBefore(): number {
    const { breaker } = this.#options;
    return breaker.state === 'open' ? breaker.retryAt : 0;
  }

  #guard<T>(act: (sink: Sink) => Promise<T>): Promise<T> {
    const { breaker, clock, sink } = this.#options;
    const ticket = this.#noting(undefined, () => breaker.admit(clock.monotonic()));
    if (ticket === undefined) {
      return Promise.reject(circuitOpen('the sink failed repeatedly and is left alone for a moment'));
    }
    // Called in this very turn, so that calls keep their order.
    return act(sink).then(
      (answer) => {
        this.#noting(undefined, () => breaker.succeeded(ticket));
        return answer;
      },
      (error: unknown) => {
        // Any other error is a fault of this program, and says nothing of the sink.
        if (hasCode(error, 'SINK_UNAVAILABLE')) this.#noting(error, () => breaker.failed(ticket, clock.monotonic()));
        else this.#noting(undefined, () => breaker.succeeded(ticket));
        throw error;
      },
    );
  }

  /** Says of each change of state once. Going back and forth between open and half-open is no news. */
  #noting<T>(error: unknown, act: () => T): T {
    const { breaker, log } = this.#options;
    const before = breaker.state;
    const result = act();
    const { state, opened, rejected } = breaker.snapshot;
    if (state === before) return result;
    const line = { event: `breaker.${state}`, opened, rejected };
    if (state === 'open' && before === 'closed') log.warn({ ...line, error }, describeError(error));
    else if (state === 'closed') log.info(line, 'the sink answers again');
    else log.debug(line, state);
    if (state === 'closed') this.back.notify();
    return result;
  }
}

import type { Mode } from '../../../crds/index.ts';
import type { Clock, Timer } from '../../../runtime/clock.ts';
import type { TickColumns } from '../../tick-columns.ts';
import type { Connection, ConnectionHandler } from '../provider.ts';
import type { Market, MarketSnapshot } from './market/market.ts';
import { TickSchedule } from './market/tick-schedule.ts';
import { decodeMockFrame, MockFrame } from './mock-frame.ts';

export interface MockConnectionOptions {
  readonly account: string;
  readonly clock: Clock;
  readonly market: Market;
  /** Ticks a second for each subscribed instrument. */
  readonly rate: number;
  readonly handler: ConnectionHandler;
  readonly instrumentLimit: number;
  /** Called once, when it is closed. */
  readonly gone: () => void;
}

interface Subscription {
  mode: Mode;
  /** The present value is still to be sent. */
  first: boolean;
}

/** Ticks of one frame at most. */
const frameTicks = 256;

/** Milliseconds of ticks made at most after a pause of the process. */
const catchUpLimit = 1000;

/** A connection to the simulated market in this process. */
export class MockConnection implements Connection {
  lastHeard: number;
  readonly pending = 0;
  readonly #options: MockConnectionOptions;
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #schedule: TickSchedule;
  readonly #frame = new MockFrame(frameTicks);
  #timer: Timer | undefined;
  #flushedTo: number;
  #closed = false;

  constructor(options: MockConnectionOptions) {
    this.#options = options;
    this.#schedule = new TickSchedule(options.rate);
    this.#flushedTo = options.clock.now();
    this.lastHeard = options.clock.monotonic();
    this.#next();
  }

  subscribe(tokens: readonly number[], mode: Mode): void {
    if (this.#closed) return;
    let refused = 0;
    for (const token of tokens) {
      const known = this.#subscriptions.get(token);
      if (known !== undefined) known.mode = mode;
      else if (this.#subscriptions.size < this.#options.instrumentLimit) {
        this.#subscriptions.set(token, { mode, first: true });
      } else refused += 1;
    }
    if (refused === 0) return;
    const text = `the limit of ${this.#options.instrumentLimit} instruments is reached: ${refused} not subscribed`;
    this.#options.handler.notice({ kind: 'error', text });
  }

  unsubscribe(tokens: readonly number[]): void {
    for (const token of tokens) this.#subscriptions.delete(token);
  }

  decode(frame: Uint8Array, offset: number, receivedAtMicros: number, into: TickColumns): number {
    return decodeMockFrame(frame, offset, receivedAtMicros, into);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#subscriptions.clear();
    this.#options.gone();
  }

  #next(): void {
    this.#timer = this.#options.clock.setTimer(this.#schedule.flushInterval, () => {
      this.#flush();
      if (!this.#closed) this.#next();
    });
  }

  #flush(): void {
    const { clock, market } = this.#options;
    const now = clock.now();
    const from = Math.max(this.#flushedTo, now - catchUpLimit);
    this.#flushedTo = now;
    // The market is in this process: a pass without a tick is a heartbeat.
    this.lastHeard = clock.monotonic();
    const snapshot = market.advance(now);
    for (const [token, subscription] of this.#subscriptions) {
      const due = this.#due(token, subscription, snapshot, from, now);
      for (let tick = 0; tick < due; tick++) this.#add(snapshot, token, subscription.mode);
    }
    this.#send();
  }

  #due(token: number, subscription: Subscription, snapshot: MarketSnapshot, from: number, now: number): number {
    if (subscription.first) {
      subscription.first = false;
      return 1;
    }
    const instrument = snapshot.universe.byToken.get(token);
    if (instrument === undefined || !this.#options.market.isOpen(instrument, now)) return 0;
    return this.#schedule.due(token, from, now);
  }

  #add(snapshot: MarketSnapshot, token: number, mode: Mode): void {
    const quote = snapshot.quote(token);
    if (quote === undefined) return;
    if (this.#frame.full) this.#send();
    this.#frame.add(quote, mode);
  }

  #send(): void {
    if (this.#frame.count === 0 || this.#closed) return;
    const { handler, clock } = this.#options;
    handler.frame(this.#frame.take(), Math.floor(clock.now() * 1000));
  }
}

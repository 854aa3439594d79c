import { type BackoffPolicy, backoffDelay } from '../../runtime/backoff.ts';
import type { Clock, Timer } from '../../runtime/clock.ts';
import { CodedError, describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Sink } from '../sinks/sink.ts';
import type { Moment } from './call-lane.ts';
import type { Outbox } from './outbox.ts';
import type { OutboxAction, OutboxOutcome } from './outbox-actions.ts';
import type { SentMark } from './spool/lane-state.ts';

export interface OutboxSenderOptions {
  readonly outbox: Outbox;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Milliseconds for which a sink may be away and still count as reachable. */
  readonly grace: number;
  /** Called after each outcome: the outbox's state may have changed. */
  readonly settled: () => void;
  /** What a spool must know before a call is sent; undefined where nothing has to be waited for. */
  readonly note?: (mark: SentMark | undefined) => Promise<void> | undefined;
}

const sinkBackoff: BackoffPolicy = { first: 50, most: 2_000 };
const lateBackoff: BackoffPolicy = { first: 1_000, most: 30_000 };

/** `now` on both scales of a {@link Moment}. */
export function momentOf(clock: Clock): Moment {
  return { time: clock.now() * 1000, monotonic: clock.monotonic() };
}

/** Does what an outbox wants at a sink, and waits before it tries again where the sink is away. */
export class OutboxSender {
  readonly #options: OutboxSenderOptions;
  #wake: (() => void) | undefined;
  #woken = false;
  #timer: Timer | undefined;
  #fault: unknown;
  #failures = 0;
  /** Monotonic milliseconds of the first failure since the sink's last answer. */
  #failingSince = 0;
  #answeredAt: number;
  #lateFailures = 0;
  /** Monotonic milliseconds before which nothing (or nothing late) is tried. */
  #notBefore = 0;
  #lateNotBefore = 0;
  /** Calls that wait for the spool; those that follow wait behind them. */
  #noting = 0;
  #noted: Promise<void> = Promise.resolve();

  constructor(options: OutboxSenderOptions) {
    this.#options = options;
    this.#answeredAt = options.clock.monotonic();
  }

  /** False where the sink has not answered for longer than the grace. */
  get reachable(): boolean {
    const { clock, grace } = this.#options;
    return this.#failures === 0 || clock.monotonic() - this.#failingSince < grace;
  }

  /** Monotonic milliseconds of the sink's last answer; of the start, before the first. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** There may be something to do: a batch was added, an epoch named. */
  kick(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** A supervised task: runs until `signal` is aborted or the slice has ended and nothing is left to send. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.kick();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        this.#woken = false;
        this.#start();
        if (this.#fault !== undefined) throw this.#fault;
        await this.#sleep();
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#timer?.cancel();
      this.#fault = undefined;
    }
  }

  #start(): void {
    const { outbox, clock } = this.#options;
    for (;;) {
      const moment = momentOf(clock);
      if (moment.monotonic < this.#notBefore) return;
      const action = outbox.next(moment, moment.monotonic >= this.#lateNotBefore);
      if (action === undefined) return;
      this.#perform(action).then(
        (outcome) => this.#settle(action, outcome),
        (error: unknown) => this.#fail(action, error),
      );
    }
  }

  #perform(action: OutboxAction): Promise<OutboxOutcome> {
    const { sink, outbox } = this.#options;
    switch (action.kind) {
      case 'claim':
        return sink.claim(action.request);
      case 'send':
        return this.#afterNote(action.mark, () => sink.send(action.call));
      case 'sendLate':
        return this.#afterNote(action.mark, () => sink.sendLate(action.call));
      case 'end':
        return sink.end(outbox.sliceUid, action.token);
    }
  }

  /** The sink is known to be back: whatever waits is tried now. */
  sinkIsBack(): void {
    this.#notBefore = 0;
    this.kick();
  }

  /** Calls keep their order, whether the spool must know of them or not. */
  #afterNote(mark: SentMark | undefined, send: () => Promise<OutboxOutcome>): Promise<OutboxOutcome> {
    const note = this.#options.note?.(mark);
    if (note === undefined && this.#noting === 0) return send();
    this.#noting++;
    const sent = Promise.all([this.#noted, note]).then(() => {
      this.#noting--;
      return { answer: send() };
    });
    this.#noted = sent.then(() => {});
    return sent.then(({ answer }) => answer);
  }

  #fail(action: OutboxAction, error: unknown): void {
    const { clock, random, log } = this.#options;
    const wait = backoffDelay(sinkBackoff, this.#failures, random);
    if (clock.monotonic() >= this.#notBefore) {
      if (this.#failures++ === 0) {
        this.#failingSince = clock.monotonic();
        log.warn({ event: 'sink.unavailable', action: action.kind, error }, describeError(error));
      }
      this.#notBefore = clock.monotonic() + wait;
    }
    // Anything but "unavailable" is a fault of this program: the supervisor says so and starts the sender again.
    if (!(error instanceof CodedError && error.persistence === 'retryable')) this.#fault = error;
    this.#settle(action, { kind: 'unavailable' });
  }

  #settle(action: OutboxAction, outcome: OutboxOutcome): void {
    const { outbox, clock, random, log, settled } = this.#options;
    if (outcome.kind !== 'unavailable') {
      this.#answeredAt = clock.monotonic();
      if (this.#failures > 0) log.info({ event: 'sink.available', failures: this.#failures }, 'the sink is back');
      this.#failures = 0;
      this.#notBefore = 0;
    }
    if (action.kind === 'sendLate') {
      const done = outcome.kind === 'written' || outcome.kind === 'already';
      this.#lateFailures = done ? 0 : this.#lateFailures + 1;
      // The first gap is the ordinary way to learn where the sink is.
      const patient = !done && this.#lateFailures > 1;
      this.#lateNotBefore = patient ? clock.monotonic() + backoffDelay(lateBackoff, this.#lateFailures - 2, random) : 0;
    }
    outbox.settle(action, outcome, momentOf(clock));
    settled();
    this.kick();
  }

  /** Until kicked, or until a heartbeat or the end of a wait is due. */
  #sleep(): Promise<void> {
    const { outbox, clock } = this.#options;
    if (this.#woken) return Promise.resolve();
    const now = clock.monotonic();
    let due = outbox.nextDue();
    if (this.#notBefore > now) due = this.#notBefore;
    if (this.#lateNotBefore > now) due = Math.min(due, this.#lateNotBefore);
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#timer?.cancel();
        this.#wake = undefined;
        resolve();
      };
      this.#wake = finish;
      this.#timer = Number.isFinite(due) ? clock.setTimer(Math.max(0, due - now), finish) : undefined;
    });
  }
}

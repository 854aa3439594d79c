import type { SubscriptionSliceSpec } from '../../crds/index.ts';
import { type Clock, sleep, type Timer } from '../../runtime/clock.ts';
import { type CodedError, describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Connection, ConnectionHandler, ProviderSession } from '../providers/provider.ts';
import type { TickColumns } from '../tick-columns.ts';
import { type AccountSession, asCoded } from './account-session.ts';
import { streamStalled } from './errors.ts';
import type { ShardLimits } from './limits.ts';
import { ReceivedUntil } from './received-until.ts';
import { ReconnectPolicy } from './reconnect-policy.ts';
import type { SliceSessions } from './slice-sessions.ts';
import { StreamWatch } from './stream-watch.ts';
import { type SubscriptionChange, Subscriptions } from './subscriptions.ts';
import { withTimeLimit } from './time-limit.ts';

/** What a frame is decoded with. */
export type Decoder = Pick<Connection, 'decode'>;

export interface SliceConnectionEvents {
  /** Everything that is wanted has been asked for on a new connection. */
  opened(): void;
  frame(decoder: Decoder, frame: Uint8Array, receivedAtMicros: number): void;
  /**
   * Gone; `error` is absent where it was closed on purpose. Whatever the broker sent until `receivedUntilMicros` was
   * received.
   */
  closed(error: CodedError | undefined, receivedUntilMicros: number): void;
  /** Something that the status shows changed. */
  changed(): void;
}

export interface SliceConnectionOptions {
  /** `namespace/name` of the slice, for messages. */
  readonly slice: string;
  readonly account: AccountSession;
  readonly sessions: Pick<SliceSessions, 'closed' | 'open'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly limits: ShardLimits;
  /** Name of an instrument that it is to stream, for people. */
  readonly nameOf: (token: number) => string;
  readonly events: SliceConnectionEvents;
}

/** Instruments asked for again to see whether a stream lives. */
const probeSize = 3;

/** A process that looks at its connection this many times less often than it means to was stopped. */
const pausedSweeps = 1.5;

/**
 * Keeps one connection of a slice open while it is wanted, and subscribed to exactly what is wanted: by difference while
 * it is open, everything on a new one. Waits between attempts go by what went wrong; refused credentials are left alone
 * until the account has others.
 */
export class SliceConnection {
  readonly #options: SliceConnectionOptions;
  readonly #subscriptions: Subscriptions;
  readonly #policy: ReconnectPolicy;
  #wanted = false;
  #paused = false;
  #wantedChanged: (() => void) | undefined;
  #connection: Connection | undefined;
  #session: ProviderSession | undefined;
  #stream: StreamWatch | undefined;
  #received: ReceivedUntil | undefined;
  #finish: ((error: CodedError | undefined) => void) | undefined;
  #error: CodedError | undefined;
  #silent: readonly string[] = [];
  #openedAt: number | undefined;
  #sweepTimer: Timer | undefined;
  /** Connections that were opened since the start. */
  opens = 0;
  /** Open connections that ended though they were wanted, by error code. */
  readonly lost = new Map<string, number>();
  /** Connections that could not be opened, by error code. */
  readonly refused = new Map<string, number>();
  /** Monotonic milliseconds of the newest frame with ticks; of the start, before the first. */
  lastTickAt: number;

  constructor(options: SliceConnectionOptions) {
    const { limits, random } = options;
    this.#options = options;
    this.lastTickAt = options.clock.monotonic();
    this.#subscriptions = new Subscriptions(limits, options.nameOf);
    this.#policy = new ReconnectPolicy({ healthyAfter: limits.healthyAfter, random, scale: limits.backoffScale });
  }

  get open(): boolean {
    return this.#connection !== undefined;
  }

  /** Instruments asked for on the open connection. */
  get subscribed(): number {
    return this.#connection === undefined ? 0 : this.#subscriptions.sent;
  }

  /** Everything that is wanted is subscribed on the open connection, and confirmed by a packet or by a bounded wait. */
  get confirmed(): boolean {
    const { clock, limits } = this.#options;
    return this.#connection !== undefined && this.#subscriptions.confirmed(clock.monotonic(), limits.confirmWait);
  }

  /** A former owner closes its connection for this one: a broker that says "too many" is asked again soon. */
  hurry(urgent: boolean): void {
    if (urgent && !this.#policy.urgent) this.#policy.reset();
    this.#policy.urgent = urgent;
  }

  /** Nobody else streams it any more: what went wrong before does not put the next attempt off. */
  retry(): void {
    this.#policy.reset();
    this.#wantedChanged?.();
  }

  /** Why there is no connection, until there is one. */
  get error(): CodedError | undefined {
    return this.#error;
  }

  /** Names of instruments that stay mute although they were asked for repeatedly. */
  get silent(): readonly string[] {
    return this.#silent;
  }

  /** Takes over what to stream; an open connection is told the difference. */
  configure(groups: SubscriptionSliceSpec['groups']): void {
    this.#subscriptions.want(groups);
    if (this.#connection === undefined) return;
    const none = this.#subscriptions.sent === 0;
    const now = this.#options.clock.monotonic();
    this.#ask(this.#connection, this.#subscriptions.reconcile(now));
    if (none) this.#stream?.subscribed(now);
    this.#options.events.changed();
  }

  /** Open it and keep it open, or close it. */
  want(wanted: boolean): void {
    if (this.#wanted === wanted) return;
    this.#wanted = wanted;
    this.#wantedChanged?.();
    if (!wanted) this.#finish?.(undefined);
  }

  /** Leaves what the broker sends unread, where the provider can, or reads on. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#connection?.pause?.(paused);
  }

  /** Supervised task, until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { account, clock } = this.#options;
    const changes = account.changes;
    while (!signal.aborted) {
      const { session } = account.state;
      if (!this.#wanted || session === undefined) {
        this.#error = this.#wanted ? account.state.error : undefined;
        await this.#interruptible(signal, (interrupt) => changes.next(interrupt));
        continue;
      }
      if (session !== this.#session) this.#policy.reset();
      this.#session = session;
      const started = clock.monotonic();
      const opens = this.opens;
      const error = await this.#live(session, signal);
      if (error === undefined || signal.aborted) continue;
      const counts = this.opens > opens ? this.lost : this.refused;
      counts.set(error.code, (counts.get(error.code) ?? 0) + 1);
      const wait = this.#policy.failed(error, this.#lived(started));
      this.#report(error, wait);
      if (this.#policy.refused >= this.#options.limits.refusedConnections) account.refuse(session, error);
      else await this.#interruptible(signal, (interrupt) => this.#waitUnlessNewLogin(wait, session, interrupt));
    }
  }

  #lived(started: number): number {
    const now = this.#options.clock.monotonic();
    return this.#openedAt === undefined || this.#openedAt < started ? 0 : now - this.#openedAt;
  }

  /** One connection from its opening to its end. Returns why it ended; undefined where that was asked for. */
  async #live(session: ProviderSession, signal: AbortSignal): Promise<CodedError | undefined> {
    const { account, clock, limits, slice, events, log } = this.#options;
    let ended: CodedError | undefined;
    let resolve: () => void = () => {};
    const over = new Promise<void>((done) => {
      resolve = done;
    });
    this.#finish = (error) => {
      ended = error;
      resolve();
    };
    const attempt = new AbortController();
    const stop = (): void => this.#finish?.(undefined);
    const abortAttempt = (): void => attempt.abort();
    signal.addEventListener('abort', stop, { once: true });
    over.then(abortAttempt, abortAttempt);
    const endListening = account.changes.listen(() => {
      const now = account.state.session;
      if (now !== undefined && now !== session) this.#finish?.(undefined);
    });
    let connection: Connection | undefined;
    try {
      connection = await withTimeLimit(clock, limits.connectTimeout, attempt.signal, (limited) =>
        session.connect(this.#handler(), limited),
      );
      if (!attempt.signal.aborted) {
        this.#opened(connection);
        this.#sweepLater(connection);
        await over;
      }
    } catch (error) {
      ended = attempt.signal.aborted ? ended : asCoded(error, `slice ${slice}: connecting failed`);
    } finally {
      this.#sweepTimer?.cancel();
      endListening();
      signal.removeEventListener('abort', stop);
      this.#finish = undefined;
      this.#stream = undefined;
      this.#subscriptions.reset();
      this.#silent = [];
      connection?.close();
      if (this.#connection !== undefined) {
        this.#connection = undefined;
        this.#error = ended;
        log.info({ event: 'connection.closed', slice, code: ended?.code }, ended?.message ?? 'closed');
        const now = clock.now() * 1000;
        events.closed(ended, this.#received?.at({ monotonic: clock.monotonic(), wall: now }) ?? now);
        this.#received = undefined;
      }
    }
    return ended;
  }

  #handler(): ConnectionHandler {
    const { clock, events, log, slice } = this.#options;
    const decoder: Decoder = {
      decode: (frame, offset, receivedAt, into) => this.#decode(frame, offset, receivedAt, into),
    };
    return {
      frame: (frame, receivedAt) => {
        if (this.#connection === undefined) return;
        this.lastTickAt = clock.monotonic();
        this.#stream?.heard(this.lastTickAt);
        this.#received?.heard({ monotonic: this.lastTickAt, wall: receivedAt });
        events.frame(decoder, frame, receivedAt);
      },
      notice: ({ kind, text }) => log.warn({ event: 'connection.notice', slice, kind, text }, 'the broker says'),
      closed: (error) => this.#finish?.(error),
    };
  }

  /** Decodes, and notes on the way whom packets came from. */
  #decode(frame: Uint8Array, offset: number, receivedAt: number, into: TickColumns): number {
    const first = into.length;
    const now = this.#options.clock.monotonic();
    try {
      return this.#connection?.decode(frame, offset, receivedAt, into) ?? -1;
    } finally {
      this.#subscriptions.heard(into.token, first, into.length, now);
    }
  }

  #opened(connection: Connection): void {
    const { clock, limits, log, slice, events } = this.#options;
    const now = clock.monotonic();
    this.#connection = connection;
    if (this.#paused) connection.pause?.(true);
    this.#openedAt = now;
    this.#error = undefined;
    this.opens++;
    this.#stream = new StreamWatch(limits, now);
    const bounds = { pause: pausedSweeps * limits.sweep, settle: limits.probeAnswer };
    this.#received = new ReceivedUntil(bounds, { monotonic: now, wall: clock.now() * 1000 });
    this.#ask(connection, this.#subscriptions.reconcile(now));
    log.info({ event: 'connection.opened', slice, instruments: this.#subscriptions.sent }, 'connected');
    events.opened();
  }

  #sweepLater(connection: Connection): void {
    const { clock, limits } = this.#options;
    this.#sweepTimer = clock.setTimer(limits.sweep, () => {
      if (this.#connection !== connection) return;
      this.#received?.alive(clock.monotonic());
      this.#sweep(connection);
      this.#sweepLater(connection);
    });
  }

  /** Looks for subscriptions and streams that died in silence. */
  #sweep(connection: Connection): void {
    const { clock, log, slice, events, sessions } = this.#options;
    const stream = this.#stream;
    if (stream === undefined || this.#subscriptions.sent === 0) return;
    const now = clock.monotonic();
    const closed = sessions.closed(clock.now());
    const rests = !sessions.open(clock.now());
    if (closed.size > 0) this.#subscriptions.rest(now, closed);
    if (rests) stream.rest(now);
    const overdue = this.#subscriptions.overdue(now, stream.flowing(now));
    if (overdue.unsubscribe.length > 0) {
      log.warn({ event: 'subscriptions.renewed', slice, instruments: overdue.unsubscribe.length }, 'no packets');
      this.#ask(connection, overdue);
    }
    const silent = this.#subscriptions.silent();
    if (silent.length !== this.#silent.length) {
      this.#silent = silent;
      events.changed();
    }
    const verdict = stream.judge(now);
    if (verdict === 'probe') {
      log.info({ event: 'stream.probed', slice }, 'no ticks; asking a few instruments again');
      this.#ask(connection, this.#subscriptions.probe(probeSize, closed));
    } else if (verdict === 'dead')
      this.#finish?.(streamStalled(`slice ${slice}: the connection is open, but no ticks come`));
  }

  #ask(connection: Connection, change: SubscriptionChange): void {
    if (change.unsubscribe.length > 0) connection.unsubscribe(change.unsubscribe);
    for (const { mode, tokens } of change.subscribe) connection.subscribe(tokens, mode);
  }

  #report(error: CodedError, wait: number): void {
    const { log, slice, events } = this.#options;
    this.#error = error;
    const failures = this.#policy.failures;
    const line = { event: 'connection.failed', slice, code: error.code, failures, wait: Math.round(wait) } as const;
    log.warn(line, describeError(error));
    events.changed();
  }

  /** A wait that ends early when the connection is wanted no longer, or again. */
  async #interruptible(signal: AbortSignal, wait: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const interrupt = new AbortController();
    this.#wantedChanged = () => interrupt.abort();
    try {
      await wait(AbortSignal.any([signal, interrupt.signal]));
    } finally {
      this.#wantedChanged = undefined;
    }
  }

  async #waitUnlessNewLogin(wait: number, session: ProviderSession, signal: AbortSignal): Promise<void> {
    const { account, clock } = this.#options;
    const interrupt = new AbortController();
    const end = account.changes.listen(() => {
      if (account.state.session !== session) interrupt.abort();
    });
    await sleep(clock, wait, AbortSignal.any([signal, interrupt.signal]));
    end();
  }
}

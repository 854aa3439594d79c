import type { Cluster } from '../../cluster/cluster.ts';
import type { ShardIdentity, SliceShardStatus, SubscriptionSlice } from '../../crds/index.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Supervisor } from '../../runtime/supervisor.ts';
import { withBars } from '../bars/bar-set.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import type { SlicePipeline } from '../pipeline/slice-pipeline.ts';
import { formatToken } from '../sinks/token.ts';
import type { AccountSession } from './account-session.ts';
import { BreachLog } from './breach-log.ts';
import { FirstTicks } from './first-ticks.ts';
import type { GuardedSink } from './guarded-sink.ts';
import type { ShardLimits } from './limits.ts';
import { Notifier } from './notifier.ts';
import type { Outbox, OutboxOptions } from './outbox.ts';
import type { OutboxState } from './outbox-actions.ts';
import { SliceConnection } from './slice-connection.ts';
import { SliceDelivery } from './slice-delivery.ts';
import { releaseSlice } from './slice-end.ts';
import { SliceGaps } from './slice-gaps.ts';
import { SliceLookup } from './slice-lookup.ts';
import { SlicePump } from './slice-pump.ts';
import { SliceRole } from './slice-role.ts';
import { type Rest, SliceSessions } from './slice-sessions.ts';
import type { SliceSnapshot } from './slice-snapshot.ts';
import { SliceStandby } from './slice-standby.ts';
import { sliceStatus } from './slice-status.ts';
import type { Spool } from './spool/spool.ts';
import { StatusWriter } from './status-writer.ts';

export interface SliceRunnerOptions {
  readonly identity: ShardIdentity;
  readonly slice: SubscriptionSlice;
  readonly cluster: Cluster;
  readonly sink: GuardedSink;
  /** Where what waits for the sink goes when memory is short, and at the end. */
  readonly spool?: Spool;
  readonly account: AccountSession;
  readonly pipeline: SlicePipeline;
  readonly assemble: OutboxOptions['assemble'];
  readonly emptyBody: OutboxOptions['emptyBody'];
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly supervisor: Supervisor;
  readonly limits: ShardLimits;
  /** Whether the account has a connection to spare. */
  readonly spare: () => boolean;
  /** Whether the account's connection limit has room for a successor's. */
  readonly room: () => boolean;
  /** Monotonic milliseconds at which the API server answered last. */
  readonly apiAnsweredAt: () => number;
  /** Told the seconds of work on each frame, where they are measured. */
  readonly observeFrame?: (seconds: number) => void;
  /** There is nothing left to do for this slice here: call {@link SliceRunner.stop}. */
  readonly finished: () => void;
}

/**
 * Serves one slice from the moment it is named until the sink refuses it or the slice is deleted (PROTOCOL 3 and 7).
 * That another is named, that the object leaves the watch or that the API server is away changes nothing.
 */
export class SliceRunner {
  /** `namespace/name` */
  readonly name: string;
  readonly uid: string;
  readonly #options: Omit<SliceRunnerOptions, 'slice'>;
  readonly #where: { readonly namespace: string; readonly name: string };
  readonly #outbox: Outbox;
  readonly #delivery: SliceDelivery;
  readonly #connection: SliceConnection;
  readonly #pump: SlicePump;
  readonly #sessions: SliceSessions;
  readonly #status: StatusWriter;
  readonly #settled = new Notifier();
  readonly #lookup: SliceLookup;
  readonly #gaps: SliceGaps;
  readonly #role: SliceRole;
  readonly #standby: SliceStandby;
  readonly #firstTicks: FirstTicks;
  /** It is being stopped: what is seen from now on is not its own any more. */
  #stopping = false;
  readonly #stops: (() => Promise<void>)[] = [];
  readonly #stopListening: () => void;
  /** Of the object that was acted on last. The object is not kept: it names every instrument. */
  #generation: number | undefined;
  /** That generation, once everything is configured for its spec. */
  #configured: number | undefined;
  /** Whether it is the account's first slice. */
  #first: boolean;
  /** Of the slice that the spool remembers. */
  #keptGeneration: string | undefined;
  #suspended = false;
  #rest: Rest | undefined;
  #ending = false;
  /** The shard drains: it streams on, and takes nothing over. */
  #leaving = false;
  #draining = false;
  /** Cut off from API server and sink for long: a successor elsewhere may need the connection. */
  #detached = false;
  /** Another is named, and the account has no connection to spare for both: this one is closed first (PROTOCOL 4). */
  #yielded = false;
  #releasing = false;
  #finished = false;
  #lastState: OutboxState = 'unnamed';
  #saidStreams = false;
  constructor(options: SliceRunnerOptions) {
    const { slice, ...others } = options;
    const { limits, identity, clock, random, account, pipeline, cluster, observeFrame } = others;
    const { namespace = '', name, uid = '', generation } = slice.metadata;
    this.#options = others;
    this.#where = { namespace, name };
    this.#generation = generation;
    this.#first = slice.spec.connection === 0;
    this.name = `${namespace}/${name}`;
    this.uid = uid;
    const log = options.log.child({ slice: this.name });
    this.#delivery = new SliceDelivery({
      ...options,
      slice: this.name,
      sliceUid: uid,
      shard: identity.shard,
      log,
      settled: () => this.#onSettled(),
      pauseFeed: (paused) => this.#connection.pause(paused),
    });
    this.#outbox = this.#delivery.outbox;
    this.#pump = new SlicePump({
      pipeline,
      clock,
      deliver: (batches) => this.#deliver(batches),
    });
    this.#sessions = new SliceSessions(limits);
    this.#role = new SliceRole(identity);
    this.#firstTicks = new FirstTicks(clock, limits.firstTicks, () => this.#steer());
    this.#standby = new SliceStandby({
      ...options,
      slice: this.name,
      sliceUid: uid,
      log,
      confirmed: () => this.#connection.confirmed,
      mayMark: () => this.#mayMark,
      flush: () => this.#pump.flush(),
      echoed: () => {
        this.#outbox.superseded();
        this.#delivery.sender.kick();
      },
      changed: () => this.#report(),
    });
    this.#gaps = new SliceGaps((gap) => this.#outbox.tellGap(gap));
    const breachLog = new BreachLog(clock, log);
    this.#connection = new SliceConnection({
      slice: this.name,
      account,
      sessions: this.#sessions,
      clock,
      log,
      random,
      limits,
      nameOf: (token) => pipeline.nameOf(token) ?? String(token),
      events: {
        opened: () => this.#onOpened(),
        frame: (decoder, frame, receivedAt) => {
          if (!this.#standby.active) this.#gaps.end(receivedAt);
          const started = observeFrame === undefined ? 0 : clock.monotonic();
          pipeline.frame(decoder, frame, receivedAt);
          observeFrame?.((clock.monotonic() - started) / 1000);
          breachLog.look(pipeline);
          this.#firstTicks.end();
          this.#pump.poke();
        },
        closed: (_, receivedUntil) => this.#onClosed(receivedUntil),
        changed: () => this.#report(),
      },
    });
    this.#lookup = new SliceLookup({
      cluster,
      clock,
      log,
      name: this.#where,
      interval: limits.lookup,
      done: () => this.#finishIfReleased(),
      found: (found) => this.#found(found),
    });
    const where = { namespace, name, uid };
    this.#status = new StatusWriter({
      cluster,
      clock,
      random,
      log,
      slice: where,
      fieldManager: `ticker-shard/${identity.shard}/${identity.uid}`,
      interval: limits.statusInterval,
    });
    this.#stopListening = account.changes.listen(() => this.#report());
    this.update(slice);
  }

  /** Starts its tasks. */
  start(): void {
    const { supervisor, limits, clock } = this.#options;
    const run = (task: string, run: (signal: AbortSignal) => Promise<void>): void => {
      this.#stops.push(supervisor.run(`slice ${this.name} ${this.uid}: ${task}`, run));
    };
    for (const [task, act] of this.#delivery.tasks()) run(task, act);
    run('connection', (signal) => this.#connection.run(signal));
    run('status', (signal) => this.#status.run(signal));
    // How many instruments tick changes with every frame at first; the status follows at its own pace.
    run('lookup', (signal) => this.#lookup.run(signal));
    run('report', async (signal) => {
      while (!signal.aborted) {
        this.#noteDetachment();
        this.#noteSession();
        this.#report();
        await sleep(clock, limits.statusInterval, signal);
      }
    });
  }

  /**
   * The object as the watch shows it.
   *
   * @param anew take its spec over although its generation is known: the one at hand is from the spool
   */
  update(slice: SubscriptionSlice, anew = false): void {
    if (anew) this.#configured = undefined;
    this.#lookup.seen();
    this.#see(slice);
  }

  #see(slice: SubscriptionSlice): void {
    // What a look-up that was under way brings is for the runner that comes after.
    if (this.#stopping) return;
    if (!this.#role.see(slice, this.#outbox.named)) return;
    const { role } = this.#role;
    if (role !== 'other' && !this.#role.reported) this.#status.repeat();
    // Where another is named, what is streamed stays as it was until the sink says who is the newer.
    if (role !== 'other') {
      this.#configure(slice);
      this.#yielded = false;
    }
    if (role === 'owner') {
      this.#keep(slice);
      const { handover } = slice.spec;
      this.#connection.hurry(handover === 'closeFirst' && !this.#connection.open && this.#outbox.state !== 'live');
      if (this.#role.namedAnew && !this.#connection.open) this.#connection.retry();
      if (slice.metadata.deletionTimestamp !== undefined) this.#end();
    } else this.#yieldConnection(slice);
    this.#noteSession();
    this.#steer();
    this.#finishIfReleased();
  }

  /** A status that was written changes nothing here: all that is compiled from a spec would be thrown away. */
  #configure(slice: SubscriptionSlice): void {
    const { account, pipeline } = this.#options;
    const { spec, metadata } = slice;
    if (metadata.generation !== undefined && metadata.generation === this.#configured) return;
    this.#generation = metadata.generation;
    this.#first = spec.connection === 0;
    this.#suspended = spec.suspended;
    this.#sessions.configure(spec);
    account.configure(spec.login);
    this.#outbox.configure(withBars(spec.sets));
    pipeline.configure(spec);
    // What was gathered of a set that left comes before its end.
    this.#pump.poke();
    this.#connection.configure(spec.groups);
    this.#standby.recheck();
    this.#configured = metadata.generation;
  }

  /** The object left the watch: another is named, or it is gone. */
  vanished(): void {
    this.#lookup.left();
  }

  /** The shard drains: it says so and streams on until others take over. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#steer();
    this.#finishIfReleased();
  }

  /** Stops receiving, and hands everything gathered to the sink; resolves when it has all been answered. */
  async flush(signal: AbortSignal): Promise<void> {
    this.#leaving = true;
    this.#draining = true;
    this.#steer();
    this.#options.pipeline.sealBars();
    this.#pump.flush();
    this.#delivery.sender.kick();
    while (!this.#outbox.settled && !signal.aborted) await this.#settled.next(signal);
    this.#report();
  }

  /** Writes what the sink did not take to the spool, where there is one. */
  async seal(signal: AbortSignal): Promise<void> {
    await this.#delivery.seal(signal);
  }

  /** Ends its tasks; what is still held is lost with the process, but for what the spool has. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#firstTicks.stop();
    this.#connection.want(false);
    this.#pump.stop();
    this.#stopListening();
    this.#delivery.stop();
    this.#standby.drop();
    await this.#standby.ended();
    await Promise.all(this.#stops.map((stop) => stop()));
  }

  /** Whether the sink has turned it away, or the slice has ended or was never its own, and all that it held is delivered. */
  get released(): boolean {
    const { state, settled } = this.#outbox;
    const never = state === 'unnamed' && this.#role.epoch === 0;
    return settled && !this.#standby.active && (state === 'refused' || state === 'ended' || never);
  }

  snapshot(): SliceSnapshot {
    const { pipeline, account } = this.#options;
    return {
      slice: this.name,
      account: account.name,
      phase: this.#currentStatus().phase,
      token: this.#outbox.token,
      connections: this.#connection.opens,
      connected: this.#connection.open,
      lost: this.#connection.lost,
      refused: this.#connection.refused,
      lastTickAt: this.#connection.lastTickAt,
      sessionOpen: this.#sessions.open(this.#options.clock.now()),
      subscribed: this.#connection.subscribed,
      ticking: pipeline.ticking(),
      silent: this.#connection.silent.length,
      pipeline: pipeline.counters,
      outbox: this.#outbox.counters,
      standby: this.#standby.counters,
      feedPause: this.#delivery.feedPause.counters,
    };
  }

  /** Connects, claims or lets go, as ownership and the object ask. */
  #steer(): void {
    const { role, epoch } = this.#role;
    const owns = epoch > this.#outbox.refusedEpoch && this.#outbox.state !== 'ended';
    const next = role === 'next' && !this.#leaving && !this.#ending;
    this.#outbox.stand(next);
    if (role !== 'owner' && !next) this.#outbox.superseded();
    if (next && !owns && !this.#standby.active) this.#stand();
    const rests = this.#rest !== undefined;
    // Named before it was connected, it has nothing to take over.
    const blank = !this.#connection.open && !rests && !this.#suspended;
    if (this.#standby.active && (owns ? blank : !next)) this.#standDown();
    const hinders = this.#suspended || this.#ending || this.#draining || this.#detached || this.#yielded || rests;
    this.#connection.want((owns || (next && this.#options.room())) && !hinders);
    // A resting slice claims without a connection; one that ends needs its token to say so.
    // What a process before this one left is delivered whether or not there is a login.
    const left = this.#outbox.counters.restored > 0;
    if (owns && (this.#streamsHere || this.#suspended || this.#ending || rests || left)) this.#claim();
    this.#delivery.sender.kick();
    this.#report();
  }

  /** It has something to stream, or is the owner already and has only connected anew. */
  get #streamsHere(): boolean {
    return this.#connection.open && (this.#firstTicks.over || this.#role.epoch <= this.#outbox.named);
  }

  /** A successor: what comes is kept apart from now on. */
  #stand(): void {
    this.#standby.start();
    this.#options.pipeline.keepNewest(true);
  }

  #standDown(): void {
    this.#pump.flush();
    this.#standby.drop();
    this.#options.pipeline.keepNewest(false);
  }

  /** A successor leaves marks once it is sure that it is not the owner. */
  get #mayMark(): boolean {
    const { state } = this.#outbox;
    return this.#role.role === 'next' && (state === 'unnamed' || state === 'refused');
  }

  /** The successor holds all that the sink lacks; where nothing is streamed, there is nothing to lack. */
  get #warm(): boolean {
    if (this.#rest !== undefined || this.#suspended) return true;
    return this.#standby.warm && this.#connection.confirmed;
  }

  #deliver(batches: readonly GatheredBatch[]): void {
    const never = this.#role.epoch === 0 && this.#outbox.state === 'unnamed';
    if (this.#standby.active || never) {
      this.#standby.add(batches);
      return;
    }
    for (const batch of batches) this.#outbox.add(batch);
    this.#delivery.kick();
    // Instruments that join wait for it.
    if (this.#streams !== this.#saidStreams) this.#report();
  }

  /** PROTOCOL 3: nobody can tell it that it was replaced, so it makes room at the broker and keeps what it holds. */
  #noteDetachment(): void {
    const { clock, limits, spare, apiAnsweredAt, log } = this.#options;
    const heard = Math.max(apiAnsweredAt(), this.#delivery.sender.answeredAt, this.#standby.answeredAt);
    const detached = clock.monotonic() - heard >= limits.detachedGrace && !spare();
    if (detached === this.#detached) return;
    this.#detached = detached;
    if (detached) this.#gaps.detached();
    log.warn({ event: detached ? 'slice.detached' : 'slice.attached', slice: this.name }, 'API server and sink');
    this.#steer();
  }

  /**
   * By the calendar it rests, or its connection is needed again. A rest is no gap: nothing is there to be received. A
   * connection that is not open when the session opens makes one.
   */
  #noteSession(): void {
    const { clock, log } = this.#options;
    const before = this.#rest;
    const rest = this.#sessions.rest(clock.now());
    this.#rest = rest;
    if ((rest === undefined) === (before === undefined)) return;
    if (rest !== undefined) this.#gaps.end(clock.now() * 1000);
    if (before !== undefined && !this.#connection.open && !this.#standby.active)
      this.#gaps.waitFor(before.opens * 1000);
    const line = { event: rest === undefined ? 'slice.wakes' : 'slice.rests', slice: this.name } as const;
    log.info(line, rest?.message ?? 'connecting for the session');
    this.#steer();
  }

  /** The successor claims once it is connected: where the broker would refuse it, neither would ever get on. */
  #yieldConnection({ spec }: SubscriptionSlice): void {
    const { log } = this.#options;
    const named = spec.owner !== undefined && this.#role.role === 'other';
    if (this.#yielded || !named || spec.handover !== 'closeFirst') return;
    this.#yielded = true;
    log.info({ event: 'slice.yielded', slice: this.name }, 'another is named; the account has no connection to spare');
  }

  #claim(): void {
    const { epoch, above } = this.#role;
    const anew = epoch > this.#outbox.named;
    if (this.#standby.active) this.#takeOver();
    else this.#outbox.name(epoch, above);
    // Nobody waits for a window to end that has waited for an owner.
    if (anew) this.#pump.flush();
    this.#delivery.sender.kick();
  }

  /** From successor to owner: what it holds is its to publish. The owner before may have published some of it. */
  #takeOver(): void {
    const { pipeline, clock } = this.#options;
    const { epoch, above } = this.#role;
    const warm = this.#warm;
    this.#pump.flush();
    const held = [...this.#standby.take(), ...pipeline.newest(clock.now() * 1000)];
    pipeline.keepNewest(false);
    this.#outbox.name(epoch, above, warm);
    for (const batch of held) this.#outbox.adopt({ ...batch, overlap: true });
    this.#delivery.kick();
  }

  #onOpened(): void {
    const now = this.#options.clock.now() * 1000;
    this.#options.pipeline.connectionOpened(now);
    this.#gaps.opened(now);
    this.#connection.hurry(false);
    this.#firstTicks.begin();
    this.#steer();
  }

  #onClosed(receivedUntil: number): void {
    const { pipeline } = this.#options;
    pipeline.connectionLost(receivedUntil);
    const stands = this.#standby.active;
    if (!stands && (this.#draining || this.#ending || this.#outbox.state === 'refused')) pipeline.sealBars();
    // What was received before the gap comes before it.
    this.#pump.flush();
    if (stands) this.#standby.lost();
    else if (this.#rest === undefined) this.#gaps.lost(receivedUntil);
    this.#report();
  }

  #onSettled(): void {
    const { log } = this.#options;
    const state = this.#outbox.state;
    if (state !== this.#lastState) {
      this.#lastState = state;
      const token = this.#outbox.token;
      const beatenBy = this.#outbox.beatenBy;
      const line = { event: `slice.${state}`, slice: this.name, epoch: this.#role.epoch, claim: token?.claim } as const;
      if (state === 'refused' && beatenBy !== undefined) {
        // Gathered before the refusal, so it goes late with the rest.
        if (this.#role.role !== 'next') this.#options.pipeline.sealBars();
        this.#pump.flush();
        this.#gaps.forget();
        log.info({ ...line, beatenBy: formatToken(beatenBy) }, 'the sink knows a newer claim');
      } else log.info(line, state);
      this.#steer();
    }
    if (this.#outbox.newMark !== undefined) this.#echo();
    if (state === 'ended' && this.#ending) this.#release();
    this.#finishIfReleased();
    this.#settled.notify();
    this.#delivery.kick();
  }

  /** A successor has left a mark: calls that hold all that was received until now echo it. */
  #echo(): void {
    this.#pump.flush();
    this.#outbox.echo();
    this.#delivery.sender.kick();
  }

  /** The spool remembers the slice, for a restart while the API server is away. */
  #keep(slice: SubscriptionSlice): void {
    const { generation, deletionTimestamp } = slice.metadata;
    const version = generation === undefined ? undefined : `${generation} ${deletionTimestamp}`;
    if (version !== undefined && version === this.#keptGeneration) return;
    this.#keptGeneration = version;
    this.#options.spool?.keepSlice(this.#options.identity, slice);
  }

  /** The slice is deleted: stop, mark the last batches, close the fence. */
  #end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#connection.want(false);
    this.#options.pipeline.sealBars();
    this.#pump.flush();
    this.#outbox.finish();
    this.#claim();
    if (this.#outbox.state === 'ended') this.#release();
  }

  /** The fence is closed: the object may go. */
  #release(): void {
    if (this.#releasing) return;
    this.#releasing = true;
    const { supervisor, identity } = this.#options;
    const { shard } = identity;
    const options = { ...this.#options, name: this.#where, uid: this.uid, shard, done: () => this.#finish() };
    this.#stops.push(
      supervisor.run(`slice ${this.name} ${this.uid}: finalizer`, (signal) => releaseSlice(options, signal)),
    );
  }

  /** An object that left the watch is either another shard's now, or gone for good: then nobody would ever refuse it. */
  #found(slice: SubscriptionSlice | undefined): void {
    if (slice?.metadata.uid === this.uid) this.#see(slice);
    else if (this.#role.epoch > 0) this.#end();
    else {
      this.#role.role = 'other';
      this.#steer();
      this.#finishIfReleased();
    }
  }

  #finishIfReleased(): boolean {
    const left = this.#lookup.missing || this.#role.role === 'other';
    if (left && this.released) this.#finish();
    return this.#finished;
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#options.spool?.forgetSlice(this.uid);
    // Of a successor that never was the owner nothing is left to be said.
    if (this.#outbox.state === 'unnamed') this.#status.withdraw();
    this.#options.finished();
  }

  /** Every instrument is subscribed here and confirmed; while it rests there is none to be. */
  get #streams(): boolean {
    return this.#outbox.state === 'live' && (this.#rest !== undefined || this.#connection.confirmed);
  }

  #report(): void {
    this.#saidStreams = this.#streams;
    this.#status.offer(this.#currentStatus());
  }

  #currentStatus(): SliceShardStatus {
    const { identity, account, pipeline } = this.#options;
    return sliceStatus({
      identity,
      generation: this.#generation ?? 0,
      outbox: this.#outbox.state,
      // Until it has claimed anew it must not forget, in its only memory, what it claimed before.
      token: this.#outbox.token ?? (this.#outbox.state === 'refused' ? undefined : this.#role.remembered),
      beatenBy: this.#outbox.beatenBy,
      suspended: this.#suspended,
      draining: this.#leaving,
      standing: this.#standby.active,
      warm: this.#warm,
      streaming: this.#streams ? this.#generation : undefined,
      rest: this.#rest,
      connected: this.#connection.open,
      connectionError: this.#connection.error,
      sinkReachable: this.#delivery.sender.reachable,
      account: account.state,
      first: this.#first,
      instrumentsLoaded: account.master?.instruments.length,
      subscribed: this.#connection.subscribed,
      ticking: pipeline.ticking(),
      silent: this.#connection.silent,
    });
  }
}

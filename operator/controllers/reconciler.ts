import type { Cluster } from '../../cluster/cluster.ts';
import type { InstrumentSet, SubscriptionSlice, TickerAccount } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { defineError, describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { CatalogCache } from '../catalog-cache.ts';
import type { Decision, Ended } from '../handover/decide.ts';
import { Handovers } from '../handover/handovers.ts';
import type { HandoverKind } from '../handover/memory.ts';
import { MemoPlanner } from '../planner/memo.ts';
import type { Plan } from '../planner/types.ts';
import type { SpotPoller } from '../spot-poller.ts';
import { currentSlices } from '../transfer/overlaps.ts';
import { type Room, type Transfer, Transfers } from '../transfer/transfers.ts';
import type { OperatorObserver } from '../vitals.ts';
import type { Providers } from './accounts.ts';
import { Applier, type Outcome, type Overlays } from './apply.ts';
import { balanceAfter, balancing } from './balancing.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { DemandBuilder } from './demand.ts';
import { EndingSlices } from './ending-slices.ts';
import type { EventRecorder } from './event-recorder.ts';
import { idOf } from './names.ts';
import { type Cached, Overlay } from './overlay.ts';
import { firstWait, nextSteps } from './ownership.ts';
import { accountOf } from './placed.ts';
import type { Shards } from './shards.ts';
import { MadeSlices, type SliceMaker, sliceMaker } from './slice-maker.ts';
import { pruneWrites, type SliceWrite, sliceWrites } from './slice-writes.ts';
import { statusWrites } from './statuses.ts';
import { type Observed, viewWorld, type World } from './world.ts';

const incomplete = defineError(
  'OPERATOR_RECONCILE_INCOMPLETE',
  'retryable',
  'It is tried again with backoff; the lines before this one say what failed.',
);

export interface Caches {
  readonly accounts: Cached<TickerAccount>;
  readonly sets: Cached<InstrumentSet>;
  readonly slices: Cached<SubscriptionSlice>;
  readonly shards: Shards;
}

export interface ReconcilerOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly providers: Providers;
  readonly catalogs: CatalogCache;
  readonly spots: SpotPoller;
  readonly events: EventRecorder;
  /** What the watch caches hold. */
  readonly observe: () => Caches;
  /** Milliseconds without a new shard before accounts that nobody owns are first spread over the shards. */
  readonly settle: number;
  /** Since when this replica's own watch is live, at a time; undefined while it is not. */
  readonly liveSince: (now: number) => number | undefined;
  readonly observer?: Pick<OperatorObserver, 'planned' | 'wrote' | 'handedOver'> | undefined;
}

/** Since the start. */
export interface ReconcilerCounts {
  written: number;
  conflicts: number;
  failed: number;
  /** Of plans that were applied. */
  instrumentMoves: number;
  /** Handovers that ended, by `<kind> <result>`. */
  readonly handovers: Map<`${HandoverKind} ${Ended['result']}`, number>;
}

/** What the last reconcile saw and decided. */
export interface Reconciled {
  readonly world: World;
  readonly plan: Plan;
  readonly slices: readonly SubscriptionSlice[];
  readonly coverage: Coverage;
}

/** The one level-triggered loop body: observe → resolve → plan → apply → report. Safe to run at any time, any number of times. */
export class Reconciler {
  readonly counts: ReconcilerCounts = {
    written: 0,
    conflicts: 0,
    failed: 0,
    instrumentMoves: 0,
    handovers: new Map(),
  };
  readonly #options: ReconcilerOptions;
  readonly #overlays: Overlays;
  readonly #demand = new DemandBuilder();
  readonly #planner = new MemoPlanner();
  readonly #made = new MadeSlices();
  readonly #handovers: Handovers;
  readonly #transfers = new Transfers();
  readonly #ending = new EndingSlices();
  readonly #shardsSeen = new Set<string>();
  #newestShard = Number.NEGATIVE_INFINITY;
  #began = Number.NEGATIVE_INFINITY;
  #last: Reconciled | undefined;
  /** Reconciles in a row that had a conflict. */
  #conflicted = 0;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#overlays = {
      accounts: new Overlay<TickerAccount>(options.clock),
      sets: new Overlay<InstrumentSet>(options.clock),
      slices: new Overlay<SubscriptionSlice>(options.clock),
    };
    this.#handovers = new Handovers((slice, ended) => this.#handoverEnded(slice, ended));
  }

  get last(): Reconciled | undefined {
    return this.#last;
  }

  /** This replica begins to lead: what it remembers is old, and its cache may be older than the slices of now. */
  begin(slices: readonly SubscriptionSlice[]): void {
    for (const overlay of Object.values(this.#overlays)) overlay.clear();
    for (const slice of slices) this.#overlays.slices.wrote(slice);
    this.#handovers.forget();
    this.#transfers.forget();
    this.#ending.forget();
    this.#began = this.#options.clock.monotonic();
  }

  /** Brings the cluster nearer to what is wanted. Throws a retryable error where a write failed. */
  async reconcile(log: Logger): Promise<{ readonly requeueAfter?: number | undefined }> {
    const { clock, catalogs, spots, events, observer } = this.#options;
    const world = viewWorld(
      this.#observe(),
      { providers: this.#options.providers, demand: this.#demand, catalogs, spots },
      clock.now(),
    );
    catalogs.follow(world.sources);
    spots.follow(world.sources, world.demand.follows);
    for (const market of world.demand.unknownIn) catalogs.wantFresh(market);
    const settling = this.#settling(world);
    const planning = clock.monotonic();
    const plan = this.#planner.plan({
      demand: world.demand.demands,
      accounts: world.views.map(({ planner }) => planner),
      shards: settling > 0 ? [] : [...world.shards.values()],
      balance: this.#untilBalancing(world) > 0 ? undefined : balancing(world),
      current: currentSlices(world.slices.filter(({ metadata }) => metadata.deletionTimestamp === undefined)),
    });
    observer?.planned((clock.monotonic() - planning) / 1000);
    const ending = this.#ending.writes(world, clock.monotonic());
    const steps = settling > 0 ? noSteps : this.#steps(world, plan);
    const transfer = settling > 0 ? noTransfer : this.#transfer(world, plan);
    const writes = settling > 0 ? [] : sliceWrites(plan, world.slices, this.#maker(world, transfer, steps));
    const writing = clock.monotonic();
    const applier = new Applier(this.#options.cluster, this.#overlays, log);
    const applied = await applier.slices([
      ...writes,
      ...ending.writes,
      ...pruneWrites(idle(world, writes), world.shards),
    ]);
    observer?.wrote('slices', applied.written, (clock.monotonic() - writing) / 1000);
    if (applied.written > 0) {
      const { moves, unplaced } = plan;
      this.counts.instrumentMoves += moves.filter(({ kind }) => kind === 'instrument').length;
      log.info(
        { event: 'plan.applied', written: applied.written, moves: moves.length, unplaced: unplaced.length },
        'slices written',
      );
    }
    const slices = this.#observe().slices.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const early = this.#knowsTooLittle(world);
    const statuses = early
      ? []
      : statusWrites(world, plan, slices, {
          catalogs: catalogs.states(),
          failure: (own) => this.#handovers.failure(own, clock.monotonic()),
          now: clock.now(),
        });
    const reporting = clock.monotonic();
    const reported = await applier.statuses(statuses, ({ object, transitions }) =>
      events.transitions(object, transitions),
    );
    observer?.wrote('statuses', reported.written, (clock.monotonic() - reporting) / 1000);
    this.#last = { world, plan, slices, coverage: coverageOf(slices, world.shards) };
    const waits = [
      settling || undefined,
      early ? firstLook : undefined,
      ending.wait,
      firstWait(steps),
      transfer.wait,
      this.#untilBalancing(world) || undefined,
    ];
    return { requeueAfter: this.#next(world, [applied, reported], waits) };
  }

  #handoverEnded(slice: SubscriptionSlice, { kind, result, took }: Ended): void {
    const line = { event: 'handover.ended', slice: idOf(slice), kind, result, milliseconds: Math.round(took) } as const;
    this.#options.log[result === 'failed' ? 'warn' : 'info'](line, `handover ${result}`);
    const key = `${kind} ${result}` as const;
    this.counts.handovers.set(key, (this.counts.handovers.get(key) ?? 0) + 1);
    this.#options.observer?.handedOver(kind, result, took / 1000);
  }

  /**
   * Whoever has just begun to lead asks for the instrument masters first: what it would say of accounts and sets without
   * them is wrong a moment later.
   */
  #knowsTooLittle({ sources }: World): boolean {
    if (this.#options.clock.monotonic() - this.#began >= firstLook) return false;
    const states = new Map(this.#options.catalogs.states().map((state) => [state.market, state]));
    return [...sources].some(([market, whom]) => {
      const state = states.get(market);
      return whom.length > 0 && (state?.instruments ?? 0) === 0 && state?.problem === undefined;
    });
  }

  #observe(): Observed {
    const { accounts, sets, slices, shards } = this.#options.observe();
    return {
      accounts: this.#overlays.accounts.over(accounts),
      sets: this.#overlays.sets.over(sets),
      slices: this.#overlays.slices.over(slices),
      shards,
    };
  }

  /**
   * Milliseconds to wait before accounts are first spread: shards that start together appear one by one, and what the
   * first of them takes stays with it.
   */
  #settling({ shards, slices }: World): number {
    const now = this.#options.clock.monotonic();
    for (const key of shards.keys()) {
      if (this.#shardsSeen.has(key)) continue;
      this.#shardsSeen.add(key);
      this.#newestShard = now;
    }
    for (const key of this.#shardsSeen) if (!shards.has(key)) this.#shardsSeen.delete(key);
    if (slices.some(({ spec }) => spec.owner !== undefined)) return 0;
    return Math.max(0, this.#newestShard + this.#options.settle - now);
  }

  #steps(world: World, plan: Plan): ReadonlyMap<string, Decision> {
    const now = this.#options.clock.monotonic();
    return nextSteps(world, plan, this.#handovers, now, this.#options.liveSince(now));
  }

  #maker(world: World, transfer: Transfer, decisions: ReadonlyMap<string, Decision>): SliceMaker {
    this.#made.turn();
    return sliceMaker(world, transfer, decisions, this.#made, (slice, decision) =>
      this.#handovers.wrote(accountOf(slice), slice, decision, this.#options.clock.monotonic()),
    );
  }

  /** Milliseconds until accounts may be moved for balance: a shard that has just come may go again, or others follow it. */
  #untilBalancing({ shards }: World): number {
    return shards.size < 2 ? 0 : Math.max(0, this.#newestShard + balanceAfter - this.#options.clock.monotonic());
  }

  /** How far instruments that change their slice have got. */
  #transfer({ views, slices }: World, plan: Plan): Transfer {
    const now = this.#options.clock.monotonic();
    const rooms = new Map(views.map(({ id, planner }) => [id, planner]));
    const room = (account: string): Room | undefined => {
      const limits = rooms.get(account);
      if (limits === undefined) return undefined;
      return { connection: limits.instrumentsPerConnection, account: limits.instruments ?? Number.POSITIVE_INFINITY };
    };
    return this.#transfers.decide({ plan: plan.slices, slices, room, now, liveSince: this.#options.liveSince(now) });
  }

  #next(world: World, outcomes: readonly Outcome[], others: readonly (number | undefined)[]): number | undefined {
    const failures = outcomes.flatMap((outcome) => outcome.failures);
    this.counts.failed += failures.length;
    for (const { written, conflicts } of outcomes) {
      this.counts.written += written;
      this.counts.conflicts += conflicts;
    }
    const [first] = failures;
    if (first !== undefined) {
      const message = `${failures.length} writes failed, the first: ${first.what}: ${describeError(first.error)}`;
      throw incomplete(message, { cause: first.error });
    }
    const waits = [...others, ...world.views.map(({ graceLeft }) => graceLeft)];
    this.#conflicted = outcomes.some(({ conflicts }) => conflicts > 0) ? this.#conflicted + 1 : 0;
    if (this.#conflicted > 0) waits.push(conflictDelay(this.#conflicted));
    const known = waits.filter((wait) => wait !== undefined);
    return known.length === 0 ? undefined : Math.max(1, Math.min(...known));
  }
}

/** Slices that nothing is written to now: others are pruned another time. */
function idle({ slices }: World, writes: readonly SliceWrite[]): readonly SubscriptionSlice[] {
  const written = new Set(writes.map((write) => write.existing));
  return slices.filter((slice) => !written.has(slice));
}

/** Milliseconds that a new leader waits for instrument masters before it says anything about accounts and sets. */
const firstLook = 5_000;

const noTransfer: Transfer = { passages: new Map(), wait: undefined };

const noSteps: ReadonlyMap<string, Decision> = new Map();

/**
 * Milliseconds for the watch to show what somebody else wrote. What it shows wakes the loop; a watch that shows nothing
 * has gone silent, and until that is noticed every write would conflict again.
 *
 * @param rounds reconciles in a row that had a conflict
 */
function conflictDelay(rounds: number): number {
  return Math.min(100 * 2 ** (rounds - 1), 10_000);
}
